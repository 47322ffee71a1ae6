"""The bundle: a copy of the sources that a worker in another environment imports, and of no other package."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stepcheck.guard.environments.package_sources import digest_of, sources_of

PACKAGES = ("stepcheck_implementations", "stepcheck_reference")
"""What a worker imports."""


def bundle(directory: Path) -> Path:
    """Return a folder in ``directory`` that holds the sources of ``PACKAGES`` alone, to be a worker's PYTHONPATH.

    The digest of the sources is part of its name. It appears as a whole, by renaming, and is replaced where it was
    changed; several processes may do so at once. Raises OSError.
    """
    sources = dict(sources_of(PACKAGES))
    path = directory / f"worker-{digest_of(sources)}"
    if _holds(path, sources):
        return path
    directory.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=directory, prefix=f".{path.name}."))
    try:
        for name, data in sources.items():
            (temporary / "new" / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / "new" / name).write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            path.rename(temporary / "old")
        try:
            (temporary / "new").rename(path)
        except OSError:
            if not _holds(path, sources):  # another process may have been first
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path


def _holds(path: Path, sources: Mapping[str, bytes]) -> bool:
    """Whether ``path`` holds ``sources`` and no other source; bytecode that Python adds is ignored."""
    present = {
        file.relative_to(path).as_posix(): file
        for folder, _, names in os.walk(path)
        for file in (Path(folder, name) for name in names)
        if file.suffix != ".pyc"
    }
    try:
        return present.keys() == sources.keys() and all(
            present[name].read_bytes() == data for name, data in sources.items()
        )
    except OSError:
        return False
