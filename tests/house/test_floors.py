"""Imports only go down: what ARCHITECTURE.md says of each floor, checked for every source file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from house.sources import PACKAGES, ROOT, Import, files, imports

ABOVE = {
    "stepcheck_reference": {"stepcheck_implementations", "stepcheck_properties", "stepcheck"},
    "stepcheck_implementations": {"stepcheck_properties", "stepcheck"},
    "stepcheck_properties": {"stepcheck"},
    "stepcheck": set(),
}
FOREIGN = {
    "stepcheck_reference": {"torch", "hypothesis"},
    "stepcheck_implementations": {"hypothesis", "sympy"},
    "stepcheck_properties": {"torch"},
    "stepcheck": {"torch"},
}


def every_import(package: str) -> list[Import]:
    return [entry for path in files(package) for entry in imports(path)]


def environment() -> dict[str, str]:
    roots = os.pathsep.join(str(ROOT / root) for root in PACKAGES.values())
    return {**os.environ, "PYTHONPATH": roots}


def loaded_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_has_files_and_imports_to_hold(package: str) -> None:
    assert files(package)
    assert every_import(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_floor_imports_a_floor_above_it(package: str) -> None:
    assert [entry for entry in every_import(package) if entry.top in ABOVE[package]] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_torch_lives_on_floor_two_and_hypothesis_from_floor_three_up(package: str) -> None:
    assert [entry for entry in every_import(package) if entry.top in FOREIGN[package]] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_absolute(package: str) -> None:
    assert [entry for entry in every_import(package) if entry.module.startswith(".")] == []


def test_no_implementation_but_a_fused_one_imports_a_rule() -> None:
    rule = ("stepcheck_reference.rule", "stepcheck_reference.rules", "stepcheck_reference.alphabet")
    readers = {
        entry.file
        for entry in every_import("stepcheck_implementations")
        if entry.module.startswith(rule) and not entry.file.endswith("/fused.py")
    }
    assert readers == set()


PLAIN_DATA = (
    "formats",
    "oracle.arithmetic",
    "scripts.script",
    "scripts.script_json",
    "scripts.expansion",
    "scripts.trajectory",
)


@pytest.mark.parametrize("module", PLAIN_DATA)
def test_plain_data_is_importable_without_sympy(module: str) -> None:
    loaded = loaded_after(f"import stepcheck_reference.{module}")
    assert "numpy" in loaded
    assert loaded.isdisjoint({"sympy", "torch", "hypothesis", "numpy_quaddtype", "flint"})


def test_importing_the_public_face_imports_nothing_heavy() -> None:
    loaded = loaded_after("import stepcheck")
    assert "stepcheck" in loaded
    assert loaded.isdisjoint({"torch", "sympy", "hypothesis", "numpy", "click", "rich", "msgspec"})


def test_every_public_name_of_the_face_resolves_without_torch() -> None:
    loaded = loaded_after("import stepcheck\nfor name in stepcheck.__all__: getattr(stepcheck, name)")
    assert "torch" not in loaded


def test_help_imports_neither_torch_nor_sympy_nor_hypothesis() -> None:
    loaded = loaded_after(
        "import contextlib, io\n"
        "from stepcheck.cli.commands import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "assert 'certify' in out.getvalue()"
    )
    assert loaded.isdisjoint({"torch", "sympy", "hypothesis", "numpy"})


def test_the_rules_are_read_without_torch_and_hypothesis() -> None:
    loaded = loaded_after("import stepcheck_reference.rules")
    assert "sympy" in loaded
    assert loaded.isdisjoint({"torch", "hypothesis"})
