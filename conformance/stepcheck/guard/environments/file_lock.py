"""A lock on a file, held by one process at a time and released when that process ends, however it ends.

The lock is the operating system's (``flock`` on POSIX, ``msvcrt.locking`` on Windows), so a process that is killed
leaves none behind. The file itself stays: deleting it would let a second process lock a new file of the same name while
the first still holds the old one.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _acquire(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _acquire(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_INTERVAL = 0.1
"""Seconds between two attempts."""


@contextlib.contextmanager
def file_lock(path: Path, waiting: Callable[[], None]) -> Generator[int, None, None]:
    """Hold the lock on the file ``path``, created if needed, and yield its descriptor.

    ``waiting`` is called once if another process holds it. On POSIX a child process that inherits the descriptor holds
    the lock together with this one, until both have closed it. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not _acquire(file.fileno()):
            waiting()
            while not _acquire(file.fileno()):
                time.sleep(_INTERVAL)
        yield file.fileno()
