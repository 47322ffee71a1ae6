"""TARGET, as a user names it: split and imported. Imports torch only through the target."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from stepcheck_implementations.driver import error_text
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_reference.suggest import did_you_mean

EXTRAS: Mapping[str, str] = {
    "optax": "optax",
    "pytorch_optimizer": "pytorch-optimizer",
    "timm": "timm",
    "torchao": "torchao",
}
"""Modules of libraries with adapters here, and the optional dependency that installs each."""


MAIN_GUARD_HINT = "code that should not run on import belongs under `if __name__ == '__main__':`"
"""Advice for a file that does more than define things when it is imported."""


class TargetError(ValueError):
    """A target that does not exist or cannot be an optimizer; the message gives the nearest names."""


def split(target: str) -> tuple[str, str]:
    """Return (module or file, name) of "torch.optim.AdamW", "package.module:Name" or "path/file.py:Name"."""
    where, colon, name = target.rpartition(":")
    if not colon:
        where, _, name = target.rpartition(".")
    if not where or not name:
        raise TargetError(
            f"{target}: names no module; a target is package.module:Name, package.module.Name or file.py:Name"
        )
    return where, name


@cache
def load(target: str) -> object:
    """Import ``target`` and return it, once in a process; raises TargetError where it does not exist.

    A subject may have changed ``sys.modules`` by the time that it is needed again.
    """
    where, name = split(target)
    try:
        return _named(where, name, target)
    except (TargetError, *error_text.let_through):  # type: ignore[misc]
        raise
    except BaseException as error:
        raise TargetError(f"{target}: importing it raised {one_line(error)}{_hint(error)}") from error


def _named(where: str, name: str, target: str) -> object:
    module = load_file(where) if where.endswith(".py") else _module(where, target)
    named: object = module
    for part in name.split("."):
        if not hasattr(named, part):
            public = [entry for entry in dir(named) if not entry.startswith("_")]
            raise TargetError(f"{target}: no such name{did_you_mean(part, public, most=3)}")
        named = getattr(named, part)
    return named


def _module(where: str, target: str) -> ModuleType:
    parts = where.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
                raise TargetError(f"{target}: importing {name} raised {one_line(error)}") from error
            if end == 1 and name in EXTRAS:
                raise TargetError(
                    f"{target}: no module named {name}, which is optional: python -m pip install "
                    f"'stepcheck[{EXTRAS[name]}]'"
                ) from error
            if end == 1:
                hint = did_you_mean(name, [*sys.stdlib_module_names, *sys.modules], most=3)
                raise TargetError(f"{target}: no module named {name}{hint}") from error
            parent = sys.modules[".".join(parts[: end - 1])]
            siblings = [entry.name for entry in pkgutil.iter_modules(getattr(parent, "__path__", []))]
            raise TargetError(
                f"{target}: no module named {name}{did_you_mean(parts[end - 1], siblings, most=3)}"
            ) from error
    return sys.modules[where]


@cache
def load_file(where: str) -> ModuleType:
    """Import the file ``where``, once in a process, and return its module; raises TargetError where there is none."""
    path = Path(where)
    if not path.is_file():
        names = [entry.name for entry in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise TargetError(f"{where}: no such file{did_you_mean(path.name, names, most=3)}")
    name = f"stepcheck_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{where}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
        sys.path.append(folder)  # for imports in its functions, after everything else
    return module


def _hint(error: BaseException) -> str:
    return f"; {MAIN_GUARD_HINT}" if isinstance(error, SystemExit) else ""
