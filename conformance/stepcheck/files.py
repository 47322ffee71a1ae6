"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def check(path: Path) -> None:
    """Raise OSError where ``path`` cannot be written; its directory is made if need be."""
    if _special(path):
        with path.open("a"):
            return
    if path.is_dir():
        raise IsADirectoryError(None, "it is a directory")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(None, "it is read-only")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        return


def read_inside(directory: Path, name: str, most: int) -> bytes:
    """Return the bytes of the file ``name`` in ``directory``, which somebody else may have filled.

    Raises OSError where it is no regular file, as a pipe, which would block; where it is a link out of ``directory``;
    and where it has more than ``most`` bytes.
    """
    path = Path(os.path.realpath(directory / name))
    if not path.is_relative_to(os.path.realpath(directory)):
        raise OSError(None, "it is a link out of its directory")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is no regular file")
        if status.st_size > most:
            raise OSError(None, f"it has {status.st_size} bytes, more than {most}")
        return file.read(most)


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all; a pipe or a device is simply written to. Raises OSError."""
    write_bytes(path, text.encode(errors="replace"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` as ``write`` writes a text."""
    if _special(path):
        path.write_bytes(data)
        return
    path = Path(os.path.realpath(path))  # through a link, which stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _special(path: Path) -> bool:
    """Whether ``path`` exists and is neither a regular file nor a directory, as /dev/stdout."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _mode(path: Path) -> int:
    """Return the permissions that ``path`` has, or that a new file gets."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
