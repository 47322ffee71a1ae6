"""What a library needs besides its module and its line in ``libraries.ALL``: each test says what is missing."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from conformance.command import ROOT
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.libraries import Library
from stepcheck_implementations.driver.target import EXTRAS

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = [line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()]

pytestmark = pytest.mark.parametrize(
    "library", [library for library in libraries.ALL if library.name != "torch.optim"], ids=lambda library: library.name
)


def module_of(library: Library) -> str:
    return library.name.partition(".")[0]


def extra_of(library: Library) -> str:
    assert library.distributions, f"name the distribution that installs {library.name} in its line of libraries.ALL"
    return library.distributions[0]


def test_a_missing_library_is_answered_with_what_to_install(library: Library) -> None:
    module, extra = module_of(library), extra_of(library)
    assert EXTRAS.get(module) == extra, f'add "{module}": "{extra}" to EXTRAS in driver/target.py'


def test_a_library_is_an_optional_dependency_of_its_own_and_of_all(library: Library) -> None:
    extras, extra = PROJECT["project"]["optional-dependencies"], extra_of(library)
    assert extra in extras, f"add the optional dependency {extra} = [...] to pyproject.toml"
    together = extras["libraries"][0].partition("[")[2].rstrip("]").split(",")
    assert extra in together, f"add {extra} to the optional dependency `libraries` in pyproject.toml"


def test_every_distribution_of_a_library_is_pinned(library: Library) -> None:
    for distribution in library.distributions:
        assert distribution in PINS, f"pin {distribution}==RELEASE in constraints.txt"


def test_tests_of_a_library_have_a_marker(library: Library) -> None:
    module = module_of(library)
    markers = [marker.partition(":")[0] for marker in PROJECT["tool"]["pytest"]["ini_options"]["markers"]]
    assert module in markers, f"add the marker {module} to pyproject.toml; its tests are skipped without the library"
