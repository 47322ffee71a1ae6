"""Rooms: a folder holds a dozen files at most and says what for, a file one idea, and a file name is used once."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT, files

MODULES = 13
"""Modules in a folder at most, beside ``__init__``."""
LONGEST = 300
"""Lines in a file at most, unless LONG says why it has more."""

LONGEST_TEST = 400
"""Lines in a file of tests at most: sentences that are read one at a time."""

FULL = {}
"""Folders that have more modules, each with the reason."""

LONG = {
    "reference/stepcheck_reference/scripts/script.py": "everything that may be done to an optimizer, as plain data",
    "reference/stepcheck_reference/printing/notation.py": "one printer, whose methods call each other",
}
"""Files that are longer, each with the reason why it is not two."""

SAME: dict[str, str] = {
    "__init__.py": "a package",
    "description.py": "what a worker tells of a target; what certify tells of one",
    "failure.py": "a law that fails; the record of it in a certificate",
    "gradients.py": "how gradients reach a subject; strategies that draw them",
    "pool.py": "workers that run subjects; processes that evaluate cells",
    "scalar_states.py": "how the oracle judges them; known issues in them",
    "special_cases.py": "what is proved of them; the scripts that test them",
}
"""File names that are used on more than one floor, each with the reason."""

FOLDERS = sorted({path.parent for package in PACKAGES for path in files(package)})
TEST_FOLDERS = sorted({path.parent for path in (ROOT / "tests").rglob("*.py")})
EVERY_FILE = [path for folder in (*FOLDERS, *TEST_FOLDERS) for path in sorted(folder.glob("*.py"))]


def named(path: Path) -> str:
    """Return ``path`` as a test id."""
    return path.relative_to(ROOT).as_posix()


def modules(folder: Path) -> list[str]:
    """Return the names of the modules in ``folder``."""
    return sorted(path.name for path in folder.glob("*.py") if path.name not in ("__init__.py", "conftest.py"))


@pytest.mark.parametrize("folder", [*FOLDERS, *TEST_FOLDERS], ids=named)
def test_a_folder_holds_a_dozen_modules_at_most(folder: Path) -> None:
    count = len(modules(folder))
    assert count <= MODULES or named(folder) in FULL, (
        f"{named(folder)} has {count} modules; make a folder of those that belong together"
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_package_says_in_its_first_line_what_it_holds(folder: Path) -> None:
    init = folder / "__init__.py"
    assert init.is_file(), f"{named(folder)} needs an __init__.py whose docstring says what the folder holds"
    docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
    assert docstring, f"{named(init)}: write a docstring that says what it holds"


@pytest.mark.parametrize("path", EVERY_FILE, ids=named)
def test_a_file_is_no_longer_than_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    reason = LONG.get(named(path), "")
    longest = LONGEST_TEST if path.is_relative_to(ROOT / "tests") else LONGEST
    assert lines <= longest or reason, f"{named(path)} has {lines} lines: split it, or say in LONG why it is one idea"
    assert lines > longest or not reason, f"{named(path)} has {lines} lines now: take it out of LONG"


def test_no_file_name_is_used_on_two_floors() -> None:
    places = defaultdict(set)
    for package in PACKAGES:
        for path in files(package):
            if path.parent.parent.name != "laws":  # a law has the name of the fact or theorem that it tests
                places[path.name].add(package)
    twice = {name: sorted(floors) for name, floors in places.items() if len(floors) > 1 and name not in SAME}
    assert twice == {}, "give each its own name, or say in SAME why the name is right in both"


def test_exceptions_name_what_exists() -> None:
    assert {name for name in (*LONG, *FULL) if not (ROOT / name).exists()} == set()
    names = {path.name for package in PACKAGES for path in files(package)}
    assert {name for name in SAME if name not in names} == set()
