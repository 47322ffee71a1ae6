"""The bundle: the sources that a worker in another environment imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from house.sources import files
from stepcheck.guard.environments.bundle import PACKAGES, bundle


def files_in(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_it_holds_the_sources_that_a_worker_imports_and_nothing_else(tmp_path: Path) -> None:
    directory = bundle(tmp_path / "new")
    names = files_in(directory)
    assert {name.partition("/")[0] for name in names} == set(PACKAGES)
    assert {Path(name).suffix for name in names} == {".py", ".typed"}
    assert sum(name.endswith(".py") for name in names) == sum(len(files(package)) for package in PACKAGES)
    assert os.listdir(tmp_path / "new") == [directory.name]


def test_a_bundle_is_named_after_its_contents_and_reused(tmp_path: Path) -> None:
    directory = bundle(tmp_path)
    assert directory.name == bundle(tmp_path / "other").name
    before = directory.stat().st_ino
    (directory / PACKAGES[0] / "__pycache__").mkdir()
    (directory / PACKAGES[0] / "__pycache__" / "subject.cpython-311.pyc").touch()
    assert bundle(tmp_path) == directory
    assert directory.stat().st_ino == before


def test_a_changed_bundle_is_written_again(tmp_path: Path) -> None:
    directory = bundle(tmp_path)
    complete = files_in(directory)
    (directory / complete[0]).write_text("planted")
    (directory / complete[1]).unlink()
    (directory / "planted.py").touch()
    assert bundle(tmp_path) == directory
    assert files_in(directory) == complete
    assert (directory / complete[0]).read_text() != "planted"
    assert os.listdir(tmp_path) == [directory.name]


def test_a_worker_is_imported_from_it_alone(tmp_path: Path) -> None:
    directory = bundle(tmp_path)
    code = (
        "import stepcheck_implementations.adapters.adapter as one, stepcheck_reference.scripts.script as two;"
        "import importlib.util as util;"
        "print(one.__file__, two.__file__, util.find_spec('stepcheck'), sep='\\n')"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path += {[path for path in sys.path if 'site-packages' in path]};{code}",
        ],
        env={**os.environ, "PYTHONPATH": str(directory)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    one, two, above = done.stdout.splitlines()
    assert Path(one).is_relative_to(directory)
    assert Path(two).is_relative_to(directory)
    assert above == "None"
