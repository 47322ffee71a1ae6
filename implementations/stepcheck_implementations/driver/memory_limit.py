"""A limit on the memory of a process that runs a subject, so that one which takes all fails by itself."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how many bytes the processes of a container may use together; "max" without a limit."""
_MESSAGES = ("can't allocate memory", "std::bad_alloc", "Cannot allocate memory")
"""What torch and the system say where memory is refused, in other errors than MemoryError."""

_limit = 0
"""The bytes that this process may use, 0 where there is no limit."""


def default_limit() -> int:
    """Return half of this machine's memory in bytes, or of what its container may use; 0 where that is unknown."""
    sizes = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):
        sizes.append(int(_CGROUP.read_text()))
    return min(sizes, default=0) // 2


def limit(size: int) -> None:
    """Let this process, and what it starts, use ``size`` bytes of memory each; 0 is no limit.

    Linux counts private writable memory (RLIMIT_DATA), not address space that torch only reserves. Elsewhere nothing is
    limited.
    """
    global _limit
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        if os.uname().sysname == "Linux":
            size = size or resource.RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_DATA, (size, resource.getrlimit(resource.RLIMIT_DATA)[1]))
            _limit = max(0, size)


def note_on(error: BaseException, text: str) -> str:
    """Return what a message about ``error``, whose own is ``text``, has to add: that it met the limit; "" else."""
    if not _limit or not (isinstance(error, MemoryError) or any(message in text for message in _MESSAGES)):
        return ""
    return f" (the limit is {_limit / 2**30:.3g} GiB of memory for a worker; --memory changes it)"
