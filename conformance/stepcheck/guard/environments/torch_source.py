"""Sites: whose torch is recorded, that of this Python, of another one, or of a release that uv installs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.spec import Asked
from stepcheck.guard.environments.bundle import bundle
from stepcheck.guard.environments.environments import Environments, default_cache
from stepcheck.guard.environments.releases import public
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError

Lot = tuple[Asked, ...]
Perform = Callable[[Lot], list[Recording]]


@dataclass(frozen=True, slots=True)
class Site:
    """A Python to record in, as data that another machine understands, too.

    ``torch`` names a release that is installed into the cache if it is not there; ``python`` is the path of an
    interpreter that has torch and numpy. Without both it is the Python that stepcheck runs in. ``torch_backend`` is
    uv's option.
    """

    torch: str = ""
    python: str = ""
    cache: str = ""
    torch_backend: str = ""

    @property
    def root(self) -> Path:
        """The cache that environments and bundles are in."""
        return Path(self.cache) if self.cache else default_cache()

    def environments(self, say: Callable[[str], None] = lambda line: None) -> Environments:
        """Return the environments of the cache; ``say`` hears of installations."""
        return Environments(self.root, self.python or None, say, self.torch_backend or None)

    def interpreter(self, say: Callable[[str], None] = lambda line: None) -> Interpreter:
        """Return the Python to run workers with, once it is there; raises Unavailable and WrongRequest."""
        if self.torch:
            python = str(self.environments(say).environment(self.torch).python)
        elif self.python:
            if not Path(self.python).is_file():
                raise WrongRequest(f"python={self.python}, but should be the path of a Python that has torch and numpy")
            python = self.python
        else:
            return Interpreter.own()
        try:
            return Interpreter(python, (str(bundle(self.root)),))
        except OSError as error:
            raise WrongRequest(f"{self.root}: should be a folder that can be written ({error.strerror})") from error


OWN = Site()
"""The Python that stepcheck runs in."""


def environment_of(workers: Workers, torch: str = "") -> dict[str, Any]:
    """Return what the workers' Python is; raises WorkerError where its torch is not release ``torch``."""
    found = workers.environment()
    built = str(found["torch"])
    if torch and public(built) != public(torch):
        raise WorkerError(f"the worker has torch {built}, but should have {torch}")
    names = ("torch", "python", "numpy", "platform", "capability", "devices", "device_names")
    return {name: found[name] for name in names}


@contextlib.contextmanager
def beside(address: str, interpreter: Interpreter) -> Iterator[Perform]:
    """Yield what records a lot, with workers forked from the fork server at ``address``."""
    with Workers(address=address, interpreter=interpreter) as workers:
        yield lambda lot: [asking.record(workers, entry) for entry in lot]


@contextlib.contextmanager
def elsewhere(site: Site, torch: str) -> Iterator[Perform]:
    """Yield what records a lot on whatever machine this is; its workers have to have release ``torch``."""
    with Workers(interpreter=site.interpreter()) as workers:
        environment_of(workers, torch)
        yield lambda lot: [asking.record(workers, entry) for entry in lot]
