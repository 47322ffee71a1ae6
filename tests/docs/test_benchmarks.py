"""Benchmarks import names that exist; they are run by hand, so nothing else would notice."""

from __future__ import annotations

import ast
import importlib

import pytest

from house.sources import ROOT

IMPORTS = [
    (path.name, node.module or "", alias.name)
    for path in sorted((ROOT / "benchmarks").glob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0].startswith("stepcheck")
    for alias in node.names
]


@pytest.mark.parametrize(("file", "module", "name"), IMPORTS)
def test_a_benchmark_imports_what_exists(file: str, module: str, name: str) -> None:
    imported = importlib.import_module(module)
    if not hasattr(imported, name):
        importlib.import_module(f"{module}.{name}")
