"""What the tools and the house style require of every source file."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT, files

TOLERANCES = {"allclose", "isclose", "rtol", "atol", "rel_tol", "abs_tol", "approx", "assert_allclose", "assert_close"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )


def every_file() -> list[Path]:
    others = [path for folder in ("tests", "examples", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*(path for package in PACKAGES for path in files(package)), *others]


def names_in(path: Path) -> set[str]:
    """Return the identifiers of ``path``, outside strings and comments."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def test_ruff_finds_nothing() -> None:
    done = run("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_strict_finds_nothing() -> None:
    done = run("mypy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_tolerance() -> None:
    assert {str(path): hits for path in every_file() if (hits := names_in(path) & TOLERANCES)} == {}


def test_a_named_tolerance_would_be_seen(tmp_path: Path) -> None:
    guilty = tmp_path / "guilty.py"
    guilty.write_text("import numpy\nassert numpy.allclose(1, 1, rtol=1e-5)\n")
    assert names_in(guilty) & TOLERANCES == {"allclose", "rtol"}


def test_every_file_is_named_after_one_thing() -> None:
    assert [path.name for path in every_file() if path.stem in EMPTY_NAMES] == []


def test_properties_name_no_rule_in_a_condition() -> None:
    rule = re.compile(r"""["'](adam|adamw|amsgrad|sgd|nesterov|lion|rprop|nadam|muon)["']""", re.IGNORECASE)
    assert [path.name for path in files("stepcheck_properties") if rule.search(path.read_text())] == []


def test_pins_satisfy_every_dependency() -> None:
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    extras = [text for name, extra in project["optional-dependencies"].items() for text in extra if name != "libraries"]
    for text in [*project["dependencies"], *extras]:
        needed = requirements.Requirement(text)
        assert needed.name in pinned, f"pin {needed.name}, and what it installs, in constraints.txt"
        assert needed.specifier.contains(pinned[needed.name]), f"constraints.txt pins {needed.name} outside {text}"


def test_changes_are_named_by_the_convention() -> None:
    notes = [path.name for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    assert notes
    wrong = [name for name in notes if not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", name)]
    assert wrong == [], "name a note SLUG.KIND.md, as changes/README.md says"
