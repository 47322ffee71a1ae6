"""The bundle: what a worker in another environment sees of stepcheck, and nothing else of this one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stepcheck.guard.environments.sources import digest_of, sources_of

PACKAGES = ("stepcheck_implementations", "stepcheck_reference")
"""What a worker imports."""


def bundle(directory: Path) -> Path:
    """Return a folder in ``directory`` that holds the sources of ``PACKAGES`` alone, to be a worker's PYTHONPATH.

    It is named after what it holds, is made whole or not at all, and is made anew where it was changed. Raises OSError.
    """
    sources = dict(sources_of(PACKAGES))
    place = directory / f"worker-{digest_of(sources)}"
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
