"""What a user gets: exactly the four packages, typed, and an entry point that exists."""

from __future__ import annotations

import ast
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from house.sources import PACKAGES, ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: list[str]) -> None:
    top = {name.partition("/")[0] for name in wheel}
    assert top == {*PACKAGES, "stepcheck-0.1.0.dist-info"}


def test_the_wheel_holds_every_source_file(wheel: list[str]) -> None:
    written = {path.relative_to(ROOT / root).as_posix() for name, root in PACKAGES.items() for path in files(name)}
    assert written <= set(wheel)


def test_the_wheel_holds_what_pages_are_made_of(wheel: list[str]) -> None:
    folder = ROOT / "conformance" / "stepcheck" / "report" / "templates"
    written = {path.relative_to(ROOT / "conformance").as_posix() for path in folder.iterdir()}
    assert len(written) == 3
    assert written <= set(wheel)


def test_every_package_says_that_it_is_typed(wheel: list[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)


def test_the_wheel_carries_its_licence(wheel: list[str]) -> None:
    assert "stepcheck-0.1.0.dist-info/licenses/LICENSE" in wheel


def test_the_source_archive_builds_what_the_tree_builds(tmp_path: Path, wheel: list[str]) -> None:
    (built,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(built) as archive:
        # Python before 3.11.4 has no filters; the archive is our own.
        archive.extractall(tmp_path / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    (again,) = WheelBuilder(str(unpacked)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(again) as archive:
        assert sorted(archive.namelist()) == sorted(wheel)
    assert (unpacked / "tests" / "planted" / "rules" / "adam.py").is_file()


def test_the_installed_script_is_a_function_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["stepcheck"].partition(":")
    tree = ast.parse((ROOT / "conformance" / (module.replace(".", "/") + ".py")).read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_pytest_plugin_is_named_as_its_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"stepcheck.plugin": "stepcheck.plugin"}
    assert (ROOT / "conformance" / "stepcheck" / "plugin.py").is_file()


def test_the_version_is_written_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tree = ast.parse((ROOT / "conformance" / "stepcheck" / "__init__.py").read_text())
    assigned = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "__version__"
    }
    assert assigned == {"__version__": project["version"]}
