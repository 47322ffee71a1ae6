"""Jobs on a Ray cluster, behind the same face as processes of this machine."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import logging
import os
import pickle
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from stepcheck.certification.request import WrongRequest
from stepcheck.processes.executor import Prepare, R, T, portable
from stepcheck.processes.pool import usable_cores
from stepcheck_implementations.workers.transport import WorkerError

_ANSWERING = 10.0
"""Seconds in which a cluster's port has to answer; Ray itself tries for minutes and then exits."""
_RETRIES = 3
"""Times that a job is done again whose node or process was lost."""
_AHEAD = 2
"""Jobs a core that the cluster holds: one under way, one that waits."""
_TOKEN = "; where the cluster has token authentication, RAY_AUTH_MODE=token has to be set here, too"
"""Ray does not say which of its refusals are about its token: it is set up as Ray's own documentation tells."""


class Ray:
    """Does jobs on the Ray cluster at ``address``: "HOST:PORT", "auto" for the one this machine is in, or "local".

    "local" starts one on this machine, for as long as the executor is open; a cluster that this process is connected
    to already is used as it is. ``prepare`` and jobs have to be picklable and stepcheck installed on every node, where
    a Ray worker prepares once and keeps that until something else is asked of it. Raises WrongRequest where Ray is
    not installed or no cluster answers.
    """

    here = False

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise WrongRequest(f"ray={address}, but Ray is not installed: pip install 'stepcheck[ray]'")
        if address not in ("local", "auto") and not re.fullmatch(r"(ray://)?[^/\s]+:\d{1,5}", address):
            raise WrongRequest(f"ray={address}, but should be local, auto, HOST:PORT or ray://HOST:PORT")
        self.address = address
        self._ours = False

    def run(self, prepare: Prepare[T, R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield (place, answer); see ``Executor``. Raises WorkerError where Ray gives a job up."""
        wanted = pickle.dumps(prepare)
        ray = self._connected()
        task = ray.remote(_do).options(num_cpus=1, max_retries=_RETRIES)
        room = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = iter(enumerate(jobs))
        at_work: dict[Any, int] = {}
        try:
            while True:
                while len(at_work) < room and (following := next(waiting, None)) is not None:
                    place, job = following
                    at_work[task.remote(wanted, job)] = place
                if not at_work:
                    return
                (done, *_), _ = ray.wait(list(at_work), num_returns=1)
                place = at_work.pop(done)
                try:
                    answer, failure = ray.get(done)
                except ray.exceptions.RayError as error:
                    raise WorkerError(f"Ray gave a job up: {_line(error)}") from error
                if failure is not None:
                    raise failure
                yield place, answer
        finally:
            for reference in at_work:
                with contextlib.suppress(Exception):
                    ray.cancel(reference)

    def close(self) -> None:
        """Leave the cluster, which ends one that was started here."""
        if self._ours:
            import ray

            ray.shutdown()
            _show_notices(True)
            self._ours = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _connected(self) -> Any:
        """Return Ray, connected, with its own messages kept to what went wrong."""
        import ray

        if ray.is_initialized():
            return ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own: dict[str, Any] = (
            {"num_cpus": usable_cores(), "include_dashboard": False} if self.address == "local" else {}
        )
        if self.address not in ("local", "auto"):
            self._reach()
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **own)
        except (Exception, SystemExit) as error:
            why = f"Ray exits with status {error}" if isinstance(error, SystemExit) else _line(error)
            raise WrongRequest(f"ray={self.address}, but no Ray cluster was joined there ({why}){_TOKEN}") from error
        _show_notices(False)
        self._ours = True
        return ray

    def _reach(self) -> None:
        host, _, port = self.address.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _ANSWERING).close()
        except (OSError, OverflowError) as error:
            raise WrongRequest(f"ray={self.address}, but nothing answers there ({_line(error)})") from error


def _show_notices(shown: bool) -> None:
    """Set the switch of Ray's own debugger: notices of lost workers go to stdout, whatever ``log_to_driver`` says."""
    with contextlib.suppress(ImportError):
        importlib.import_module("ray._private.worker").__dict__["_worker_logs_enabled"] = shown


_prepared: tuple[bytes, Callable[[Any], Any]] | None = None
_opened = contextlib.ExitStack()
atexit.register(_opened.close)


def _do(wanted: bytes, job: Any) -> tuple[Any, BaseException | None]:
    """Return (answer, None) of a job, or (None, what was raised); it runs in a Ray worker."""
    try:
        return _performer(wanted)(job), None
    except Exception as error:
        return None, portable(error)


def _performer(wanted: bytes) -> Callable[[Any], Any]:
    """Return what does jobs once ``wanted`` has prepared it, in this process and for as long as nothing else is."""
    global _prepared
    if _prepared is None or _prepared[0] != wanted:
        _prepared = None
        _opened.close()
        _prepared = wanted, _opened.enter_context(pickle.loads(wanted)())
    return _prepared[1]


def _line(error: BaseException) -> str:
    """Return the last line of what ``error`` says, or its kind where it says nothing."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return said[-1] if said else type(error).__name__
