"""The project's sources and what each module imports, read from their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = {
    "stepcheck_reference": "reference",
    "stepcheck_implementations": "implementations",
    "stepcheck_properties": "properties",
    "stepcheck": "conformance",
}
"""Each package's source root, lowest floor first."""


@dataclass(frozen=True)
class Import:
    """One imported module; ``eager`` where importing the file imports it too."""

    file: str
    line: int
    module: str
    eager: bool

    @property
    def top(self) -> str:
        """The imported top-level package."""
        return self.module.partition(".")[0]


def files(package: str) -> list[Path]:
    """Return the Python files of ``package``."""
    return sorted((ROOT / PACKAGES[package] / package).rglob("*.py"))


def imports(path: Path) -> Iterator[Import]:
    """Yield what ``path`` imports, in functions too, but not what only a type checker sees."""
    yield from _imports(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix(), eager=True)


def _imports(node: ast.AST, file: str, *, eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(file, child.lineno, alias.name, eager)
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            yield Import(file, child.lineno, module, eager)
            for alias in child.names:
                yield Import(file, child.lineno, f"{module}.{alias.name}", eager)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(child, file, eager=False)
        else:
            yield from _imports(child, file, eager=eager)
