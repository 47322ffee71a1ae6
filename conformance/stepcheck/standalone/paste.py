"""Definitions of ``driver.portable`` as text, so that a program runs the very code that the worker runs.

The text is read from the file: importing it would import torch, which a judging process never does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPE_COMMENT = re.compile(r"  # type: ignore\[[\w-]+\]")


@dataclass(frozen=True, slots=True)
class _Definition:
    """A definition without annotations, and the names that it uses."""

    text: str
    uses: frozenset[str]


def pasted(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the imports, and the lines of the definitions called ``names`` and of those that they use.

    Definitions are in the order of the file, after an empty line, functions and classes after two.
    """
    imports, definitions = _portable()
    wanted: set[str] = set()
    new = set(names)
    while new:
        wanted |= new
        new = {use for name in new for use in definitions[name].uses if use in definitions} - wanted
    uses = {use for name in wanted for use in definitions[name].uses}
    lines: list[str] = []
    for name, definition in definitions.items():
        if name in wanted:
            text = definition.text.splitlines()
            lines += ["", *text] if len(text) == 1 else ["", "", *text]
    return sorted(f"import {name}" for name in imports & uses), lines


@cache
def _portable() -> tuple[frozenset[str], dict[str, _Definition]]:
    """Return the modules that ``driver.portable`` imports, torch apart, and its definitions by name."""
    source = files("stepcheck_implementations.driver").joinpath("portable.py").read_text(encoding="utf-8")
    imports: set[str] = set()
    definitions: dict[str, _Definition] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names} - {"torch"}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            definitions[node.name] = _definition(source, node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            definitions[node.targets[0].id] = _definition(source, node)
    return frozenset(imports), definitions


def _definition(source: str, node: ast.FunctionDef | ast.ClassDef | ast.Assign) -> _Definition:
    lines = source.encode().splitlines(keepends=True)  # columns count bytes
    for first, last in sorted(_annotations(node, lines), reverse=True):
        (row, start), (end_row, stop) = first, last
        assert row == end_row, "an annotation of more than one line"
        lines[row] = lines[row][:start] + lines[row][stop:]
    begin = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))]) - 1
    text = _TYPE_COMMENT.sub("", b"".join(lines[begin : node.end_lineno]).decode()).rstrip("\n")
    uses = frozenset(entry.id for entry in ast.walk(ast.parse(text)) if isinstance(entry, ast.Name))
    return _Definition(text, uses)


def _annotations(node: ast.AST, lines: list[bytes]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the beginning and end (line, column) of each annotation in ``node``, with its colon or arrow."""
    for entry in ast.walk(node):
        if isinstance(entry, ast.arg):
            note, start = entry.annotation, entry.col_offset + len(entry.arg)
        elif isinstance(entry, ast.AnnAssign):
            note, start = entry.annotation, entry.target.end_col_offset or 0
        elif isinstance(entry, ast.FunctionDef) and entry.returns is not None:
            note = entry.returns
            start = lines[note.lineno - 1].rindex(b" -> ", 0, note.col_offset)
        else:
            continue
        if note is not None:
            yield (note.lineno - 1, start), ((note.end_lineno or 0) - 1, note.end_col_offset or 0)
