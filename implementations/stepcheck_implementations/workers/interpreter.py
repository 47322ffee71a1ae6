"""Interpreters: the Python that a worker runs in, and what it can import."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python to run workers with, and the entries that are added to its path."""

    python: str
    path: tuple[str, ...]

    @classmethod
    def own(cls) -> Interpreter:
        """Return this process' Python with all that it can import."""
        return cls(sys.executable, tuple(entry for entry in sys.path if entry))

    def environment(self) -> dict[str, str]:
        """Return the environment of a worker: one thread, or more that sleep where a script has them, and the path."""
        single = dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"), "1"
        )
        waiting = {"OMP_WAIT_POLICY": "PASSIVE"}
        return {**os.environ, **single, **waiting, "PYTHONPATH": os.pathsep.join(self.path)}
