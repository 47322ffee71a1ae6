"""A lock that one process at a time holds, and that ends with it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _taken(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _taken(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_EVERY = 0.1
"""Seconds between two tries."""


@contextlib.contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Generator[int, None, None]:
    """Hold the lock on the file ``path``, made if need be, and give its descriptor; ``waiting`` is called if it waits.

    A child process that inherits the descriptor holds the lock with this one, on POSIX. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        told = False
        while not _taken(file.fileno()):
            if not told:
                waiting()
                told = True
            time.sleep(_EVERY)
        yield file.fileno()
