"""The bundle: what a worker in another environment sees of stepcheck, and nothing else of this one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

PACKAGES = ("stepcheck_implementations", "stepcheck_reference")
"""What a worker imports."""


def bundle(directory: Path) -> Path:
    """Return a folder in ``directory`` that holds the sources of ``PACKAGES`` alone, to be a worker's PYTHONPATH.

    It is named after what it holds, is made whole or not at all, and is made anew where it was changed. Raises OSError.
    """
    sources = dict(_sources())
    place = directory / f"worker-{_digest(sources)}"
    if _holds(place, sources):
        return place
    directory.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory, prefix=f".{place.name}."))
    try:
        for name, data in sources.items():
            (made / "new" / name).parent.mkdir(parents=True, exist_ok=True)
            (made / "new" / name).write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            place.rename(made / "old")
        try:
            (made / "new").rename(place)
        except OSError:
            if not _holds(place, sources):  # another process may have been first
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def _sources() -> Iterator[tuple[str, bytes]]:
    """Yield (path in the bundle, content) of every source file of ``PACKAGES``."""

    def inside(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.is_dir():
                yield from inside(entry, f"{path}/{entry.name}")
            elif entry.name.endswith(".py") or entry.name == "py.typed":
                yield f"{path}/{entry.name}", entry.read_bytes()

    for package in PACKAGES:
        yield from inside(files(package), package)


def _digest(sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(sources.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def _holds(place: Path, sources: Mapping[str, bytes]) -> bool:
    """Whether ``place`` holds ``sources`` and no other source; what Python compiled from them does not matter."""
    found = {
        path.relative_to(place).as_posix(): path
        for folder, _, names in os.walk(place)
        for path in (Path(folder, name) for name in names)
        if path.suffix != ".pyc"
    }
    try:
        return found.keys() == sources.keys() and all(
            found[name].read_bytes() == data for name, data in sources.items()
        )
    except OSError:
        return False
