"""Torch sources: whose torch is recorded, that of this Python, of another one, or of a release that uv installs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.environments.bundle import bundle
from stepcheck.guard.environments.environments import Environments, default_cache
from stepcheck.guard.environments.releases import public
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError

Batch = tuple[CellSpec, ...]
RecordBatch = Callable[[Batch], list[Recording]]
Notify = Callable[[str], None]
"""Called with a line about each thing that takes time, such as an installation."""


@dataclass(frozen=True, slots=True)
class TorchSource:
    """A Python to record in, as data that other machines understand, too.

    ``torch`` names a release, installed into the cache if needed; ``python`` is the path of an interpreter that has
    torch and numpy. Without both it is the Python that stepcheck runs in. ``torch_backend`` is uv's option.
    """

    torch: str = ""
    python: str = ""
    cache: str = ""
    torch_backend: str = ""

    @property
    def root(self) -> Path:
        """The cache that environments, bundles and recordings are in."""
        return Path(self.cache) if self.cache else default_cache()

    def environments(self, notify: Notify = lambda line: None) -> Environments:
        """Return the environments of the cache."""
        return Environments(self.root, self.python or None, notify, self.torch_backend or None)

    def interpreter(self, notify: Notify = lambda line: None) -> Interpreter:
        """Return the Python to run workers with, installed if needed; raises Unavailable and WrongRequest."""
        if self.torch:
            python = str(self.environments(notify).environment(self.torch).python)
        elif self.python:
            if not Path(self.python).is_file():
                raise WrongRequest(f"python={self.python}, but should be the path of a Python that has torch and numpy")
            python = self.python
        else:
            return Interpreter.own()
        try:
            return Interpreter(python, (str(bundle(self.root)),))
        except OSError as error:
            raise WrongRequest(f"{self.root}: should be a writable folder ({error.strerror})") from error


OWN = TorchSource()
"""The Python that stepcheck runs in."""


def environment_of(workers: Workers, torch: str = "", python: str = "") -> dict[str, Any]:
    """Return the environment of ``workers``.

    Raises WorkerError where its torch is not release ``torch``, and WrongRequest where the user's ``python`` starts no
    worker.
    """
    try:
        environment = workers.environment()
    except WorkerError as error:
        if not python:
            raise
        raise WrongRequest(f"python={python}, but should be a Python that has torch and numpy ({error})") from error
    built = str(environment["torch"])
    if torch and public(built) != public(torch):
        raise WorkerError(f"the worker has torch {built}, but should have {torch}")
    names = ("torch", "python", "numpy", "platform", "capability", "devices", "device_names")
    return {name: environment[name] for name in names}


@contextlib.contextmanager
def local_recorder(address: str, interpreter: Interpreter) -> Iterator[RecordBatch]:
    """Yield what records a batch, with workers forked from the fork server at ``address``."""
    with Workers(address=address, interpreter=interpreter) as workers:
        yield lambda batch: [record_cell(workers, spec) for spec in batch]


@contextlib.contextmanager
def remote_recorder(source: TorchSource, torch: str) -> Iterator[RecordBatch]:
    """Yield what records a batch on any machine; its workers have to have release ``torch``."""
    with Workers(interpreter=source.interpreter()) as workers:
        environment_of(workers, torch)
        yield lambda batch: [record_cell(workers, spec) for spec in batch]
