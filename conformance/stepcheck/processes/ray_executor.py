"""The executor of a Ray cluster."""

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
"""Times that a job is repeated after its node or process was lost."""
_AHEAD = 2
"""Jobs for each core that are submitted: one runs, one waits."""
_TOKEN = "; where the cluster has token authentication, RAY_AUTH_MODE=token has to be set here, too"
"""Ray does not say which of its errors are about its token; the variable is the one in Ray's documentation."""


class Ray:
    """Does jobs on the Ray cluster at ``address``: "HOST:PORT", "auto" for the one this machine is in, or "local".

    "local" starts one on this machine, for as long as the executor is open; a cluster that this process is connected
    to already is used as it is. ``prepare`` and jobs have to be picklable and stepcheck installed on every node, where
    a Ray worker prepares once, until it gets jobs of another ``prepare``. Raises WrongRequest where Ray is
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
        """Yield (job number, answer); see ``Executor``. Raises WorkerError where Ray gives a job up."""
        pickled = pickle.dumps(prepare)
        ray = self._connected()
        task = ray.remote(_do).options(num_cpus=1, max_retries=_RETRIES)
        room = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = iter(enumerate(jobs))
        at_work: dict[Any, int] = {}
        try:
            while True:
                while len(at_work) < room and (following := next(waiting, None)) is not None:
                    number, job = following
                    at_work[task.remote(pickled, job)] = number
                if not at_work:
                    return
                (done, *_), _ = ray.wait(list(at_work), num_returns=1)
                number = at_work.pop(done)
                try:
                    answer, failure = ray.get(done)
                except ray.exceptions.RayError as error:
                    raise WorkerError(f"Ray gave a job up: {_line(error)}") from error
                if failure is not None:
                    raise failure
                yield number, answer
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
        """Return Ray, connected, with only its errors logged."""
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


def _do(prepare: bytes, job: Any) -> tuple[Any, BaseException | None]:
    """Return (answer, None) of a job, or (None, what was raised); it runs in a Ray worker."""
    try:
        return _performer(prepare)(job), None
    except Exception as error:
        return None, portable(error)


def _performer(prepare: bytes) -> Callable[[Any], Any]:
    """Return what does jobs, prepared by the pickled ``prepare`` once in this process."""
    global _prepared
    if _prepared is None or _prepared[0] != prepare:
        _prepared = None
        _opened.close()
        _prepared = prepare, _opened.enter_context(pickle.loads(prepare)())
    return _prepared[1]


def _line(error: BaseException) -> str:
    """Return the last line of ``error``'s message, or its class where that is empty."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
