"""Inheritance: the library's class whose arithmetic a subclass has, because it computes nothing by itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.target import split


def inherited_class(target_object: object) -> str:
    """Return the target of the library's class that ``target_object`` inherits its steps from, "" where there is none.

    A subclass may have a constructor of its own, and a ``step`` that calls the one it overrides. One that overrides
    anything else that its base computes with, which has a name with an underscore, has an arithmetic of its own.
    """
    if not isinstance(target_object, type):
        return ""
    known = dict(_known_classes())
    base = next((kind for kind in target_object.__mro__[1:] if kind in known), None)
    if base is None or target_object in known:
        return ""
    between = target_object.__mro__[: target_object.__mro__.index(base)]
    return "" if any(_computes(kind, base) for kind in between) else known[base]


def _known_classes() -> Iterator[tuple[Any, str]]:
    """Yield the classes of libraries that have been imported, with their targets."""
    for library in libraries.ALL:
        for adapter in library.adapters:
            where, name = split(adapter.target)
            kind = getattr(sys.modules.get(where), name, None)
            if isinstance(kind, type) and not adapter.wrapper:
                yield kind, adapter.target


def _computes(kind: type, base: type) -> bool:
    """Whether ``kind`` itself has a part of a step that ``base`` has too."""
    for name, value in vars(kind).items():
        special = name.startswith("__") and name.endswith("__")
        if special or not hasattr(base, name) or (name != "step" and not name.startswith("_")):
            continue
        if name != "step" or not _calls_inherited_step(value, base):
            return True
    return False


def _calls_inherited_step(function: Any, base: Any) -> bool:
    """Whether a ``step`` is the base's, which torch may have wrapped, or calls it."""
    own, inherited = inspect.unwrap(function), inspect.unwrap(base.step)
    if own is inherited:
        return True
    names = getattr(getattr(own, "__code__", None), "co_names", ())
    return "step" in names and ("super" in names or base.__name__ in names)


def inherited_adapter(target: str, base: str, arguments: tuple[str, ...] | None) -> Adapter | None:
    """Return the adapter of a subclass of ``base``, whose constructor takes ``arguments`` (None: any).

    Modes and configurations that need another argument are left out. Returns None where it does not take all of the
    base's hyper-parameters.
    """
    adapter = libraries.find(base)
    if adapter is None:
        return None

    def taken(name: str) -> bool:
        return arguments is None or name in arguments

    if not all(taken(slot.partition("[")[0]) for slot in adapter.hyper.values()):
        return None
    modes = {
        mode: {name: value for name, value in options.items() if taken(name)}
        for mode, options in adapter.modes.items()
        if all(taken(name) for name, value in options.items() if value is True)
    }
    configurations = tuple(entry for entry in adapter.configurations if all(map(taken, entry.options)))
    if "single" not in modes or not configurations:
        return None
    return replace(adapter, target=target, inherits=base, modes=modes, configurations=configurations)
