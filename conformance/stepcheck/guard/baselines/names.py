"""The names in a baseline: nothing of them is imported or called unless it is stepcheck's own, or the user names it.

A baseline may come from anybody. The optimizers of libraries that have adapters here are imported by their names in
those libraries; any other target only where the user gives it. Of the rest only what stepcheck itself would write is
accepted: requests in their few forms, wrappers of its own, and the class that it writes around an update function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from stepcheck.guard.baselines.baseline_files import BadBaseline
from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, SCHEDULE, STEPS, CellSpec
from stepcheck_implementations.adapters import libraries, torch_optim_record_only, wrappers
from stepcheck_reference.suggest import did_you_mean

_SCHEDULER = re.compile(r"torch\.optim\.(lr_scheduler|swa_utils)\.[A-Z]\w*")
_MOST_STEPS = 10_000
_KEYS: Mapping[str, frozenset[str]] = {
    "record": frozenset({"ask", "scripts", "unread"}),
    "checkpoint": frozenset({"ask", "script", "at"}),
    "surface": frozenset({"ask", "target"}),
    "library_surface": frozenset({"ask", "library"}),
    "schedule": frozenset({"ask", "recipe"}),
    "schedulers": frozenset({"ask"}),
}
_REQUESTS: Mapping[str, tuple[str, ...]] = {
    STEPS: ("record",),
    CHECKPOINT: ("checkpoint",),
    API: ("surface", "library_surface", "schedulers"),
    SCHEDULE: ("schedule",),
}

Source = Callable[[str, str], str]
"""Returns the class that stepcheck writes around an update function, given its target and rule."""


def is_own(target: str) -> bool:
    """Whether ``target`` is a library that has adapters here, or a public name in one."""
    library, _, name = target.rpartition(".")
    named = bool(libraries.members(library)) and name.isidentifier() and not name.startswith("_")
    found = libraries.find(target) is not None or torch_optim_record_only.find(target) is not None
    return found or named or bool(libraries.members(target))


def check_targets(targets: Iterable[str], given: Collection[str]) -> None:
    """Raise BadBaseline for the first of ``targets`` that is neither stepcheck's own nor ``given`` by the user."""
    for target in targets:
        if not is_own(target) and target not in given and not _SCHEDULER.fullmatch(target):
            hint = did_you_mean(target, given)
            raise BadBaseline(
                f"baseline has a cell of {target[:200]}, which is imported only where you name it: "
                f"--target {target[:200]}{hint}"
            )


def check_names(specs: Iterable[CellSpec], source: Source) -> None:
    """Raise BadBaseline for the first of ``specs`` with something that stepcheck does not write.

    Their targets have been checked. ``source`` is called for update functions alone.
    """
    sources: dict[tuple[str, str], str] = {}
    for spec in specs:
        if error := _misnamed(spec):
            raise BadBaseline(f"baseline: {spec.id[:200]} {error}, which stepcheck does not write")
        adapter = spec.adapter or {}
        if text := adapter.get("source"):
            key = (spec.target, str(adapter.get("rule")))
            sources[key] = sources[key] if key in sources else source(*key)
            if text != sources[key]:
                raise BadBaseline(
                    f"baseline: {spec.id[:200]} has another class around {spec.target[:200]} than this release of "
                    "stepcheck writes, which is not run"
                )


def _misnamed(spec: CellSpec) -> str:
    """Return what of ``spec`` is named otherwise than stepcheck names it, "" where nothing is."""
    request, ask = spec.request, spec.request.get("ask")
    if ask not in _REQUESTS[spec.kind] or request.keys() != _KEYS[str(ask)]:
        return f"requests {str(ask)[:40]!r} with {', '.join(map(str, request))[:80]}"
    if (spec.adapter is not None) != (spec.kind in (STEPS, CHECKPOINT)):
        return f"of kind {spec.kind} has {'an' if spec.adapter else 'no'} adapter"
    if ask == "surface" and request["target"] != spec.target:
        return f"requests {str(request['target'])[:80]} of {spec.target[:80]}"
    if ask == "library_surface" and (request["library"] != spec.target or not libraries.members(spec.target)):
        return f"requests the library {str(request['library'])[:80]}"
    if ask == "schedule":
        return _misnamed_recipe(request["recipe"], spec.target)
    if spec.adapter is None or spec.cell is None:
        return ""
    for table in (spec.adapter, spec.cell):
        if table.get("target") != spec.target:
            return f"runs {str(table.get('target'))[:80]} under the name of {spec.target[:80]}"
    through = spec.adapter.get("through", "")
    if through not in ("", *wrappers.NAMES):
        return f"is wrapped by {str(through)[:80]}"
    if bool(spec.adapter.get("source")) != (wrappers.is_of_function(str(through))):
        return "has the text of a class, or lacks it"
    return ""


def _misnamed_recipe(recipe: Any, target: str) -> str:
    """Return what is wrong with the names in a schedule's recipe, "" where nothing is."""
    if not isinstance(recipe, dict) or recipe.get("target") != target:
        return "has no recipe of its scheduler"
    optimizer = recipe.get("optimizer")
    named = optimizer if isinstance(optimizer, dict) else {}
    name, arguments = named.get("name"), named.get("arguments")
    if not isinstance(name, str) or not is_own(f"torch.optim.{name}") or not isinstance(arguments, dict):
        return "has a recipe without an optimizer"
    if type(recipe.get("steps")) is not int or not 0 < recipe["steps"] <= _MOST_STEPS:
        return f"has a recipe of {str(recipe.get('steps'))[:40]} steps"
    for nested in _nested(recipe):
        if not isinstance(nested.get("target"), str) or not _SCHEDULER.fullmatch(nested["target"]):
            return f"has a recipe of {str(nested.get('target'))[:80]}"
        if not isinstance(nested.get("settings"), dict):
            return "has a recipe without settings"
    return ""


def _nested(value: Any) -> Iterable[dict[str, Any]]:
    """Yield every object in ``value`` that names a target, the recipe itself first."""
    if isinstance(value, dict):
        if "target" in value:
            yield value
        for entry in value.values():
            yield from _nested(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _nested(entry)
