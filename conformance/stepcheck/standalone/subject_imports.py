"""The import of the subject in a standalone program, whatever it is called."""

from __future__ import annotations

import importlib.util
import keyword
import sys
from pathlib import Path

from stepcheck_implementations.matching.update_function import function_name


def subject_imports(target: str, modules: list[str]) -> list[str]:
    """Return the import of ``target``, after those of ``modules`` and torch.

    The program calls it as ``function_name(target)``. What has no name that can be imported, such as a lambda or a
    class that a function made, is left for the reader to put in.
    """
    where, name = _split(target)
    alias = function_name(target)
    if not is_importable(target):
        return [
            *_torch(modules),
            "",
            f"# {name} of {where} has no name that can be imported: put it here.",
            f"{alias} = NotImplemented",
        ]
    if where.endswith(".py"):
        return _from_file(Path(where), name, alias, modules)
    head, _, rest = name.partition(".")
    if all(map(_is_name, where.split("."))):
        return [*_torch(modules), f"from {where} import {head}", *([f"{alias} = {name}"] if rest else [])]
    return [*_torch([*modules, "import importlib"]), f"{alias} = importlib.import_module({where!r}).{name}"]


def is_importable(target: str) -> bool:
    """Whether a program can import ``target`` by its name."""
    where, name = _split(target)
    return bool(where) and all(map(_is_name, name.split(".")))


def _split(target: str) -> tuple[str, str]:
    """Return (module or file, name)."""
    where, colon, name = target.rpartition(":")
    if not colon:
        where, _, name = target.rpartition(".")
    return where, name


def _from_file(path: Path, name: str, alias: str, modules: list[str]) -> list[str]:
    head, _, rest = name.partition(".")
    if _is_free(path):
        return [
            *_torch([*modules, "import sys"]),
            "",
            f"sys.path.insert(0, {str(path.parent)!r})",
            f"from {path.stem} import {head}",
            *([f"{alias} = {name}"] if rest else []),
        ]
    return [
        *sorted([*modules, "import importlib.util", "import sys"]),
        "from pathlib import Path",
        "",
        "import torch",
        "",
        f"path = Path({str(path)!r}).resolve()",
        "sys.path.insert(0, str(path.parent))",
        'spec = importlib.util.spec_from_file_location("subject", path)',
        "module = importlib.util.module_from_spec(spec)",
        *(['sys.modules["subject"] = module'] if "import pickle" in modules else []),
        "spec.loader.exec_module(module)",
        f"{alias} = module.{name}",
    ]


def _torch(modules: list[str]) -> list[str]:
    return [*sorted(set(modules)), *([""] if modules else []), "import torch"]


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _is_free(path: Path) -> bool:
    """Whether the file's name means nothing else to Python, so that an ordinary import finds the file."""
    if not _is_name(path.stem) or path.stem in sys.stdlib_module_names or path.stem in sys.modules:
        return False
    try:
        spec = importlib.util.find_spec(path.stem)
    except (ImportError, ValueError):
        return False
    return spec is None or (spec.origin is not None and Path(spec.origin).resolve() == path.resolve())
