"""``read``: a target in, its reading out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from stepcheck.certification.request import requested, target_name
from stepcheck.certification.survey import check_target
from stepcheck.code_reading.verification import Verification, verify
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.reading import Reading


class Reader(Protocol):
    """What can import a target and read it: ``Workers``, or ``InProcess`` for objects handed over in Python."""

    def read(self, target: str, *, configuration: str, mode: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the equations of ``target`` as plain data."""


class ReadingChangedRun(RuntimeError):
    """A run that ended in other bits because it was read, which is a defect of stepcheck."""


def read(
    target: str | Callable[..., Any],
    *,
    configuration: str = "",
    mode: str = "single",
    fixed: Mapping[str, float | bool] | None = None,
) -> Reading:
    """Return the equations that ``target`` computes, read from the code that runs.

    A string is imported by a worker process ("torch.optim.AdamW", "package.module:Name", "path/file.py:Name"); a class
    is read in this process. ``configuration`` is one of a library's class, as in "amsgrad"; ``fixed`` gives constructor
    arguments and hyper-parameters a value, which are no symbols then.

    Raises TargetError where it cannot be built or stepped, WrongRequest where the target names nothing, and
    ReadingChangedRun where reading it has changed what it computes.
    """
    options = dict(fixed or {})
    if not isinstance(target, str):
        from stepcheck_implementations.workers.in_process import InProcess

        return read_by(InProcess(target), target_name(target), configuration, mode, options)
    check_target(requested(target))
    with Workers() as workers:
        return read_by(workers, target, configuration, mode, options)


def read_verified(
    target: str, *, configuration: str = "", mode: str = "single", fixed: Mapping[str, float | bool] | None = None
) -> Iterator[tuple[Reading, Verification]]:
    """Yield the reading of ``target`` with its verification; of a library each class that has this mode."""
    if libraries.members(target):
        targets = [adapter.target for adapter in libraries.members(target) if mode in adapter.modes]
    else:
        check_target(requested(target))
        targets = [target]
    with Workers() as workers:
        for each in targets:
            reading = read_by(workers, each, configuration, mode, dict(fixed or {}))
            yield reading, verify(reading, workers, mode)


def read_by(
    reader: Reader, target: str, configuration: str, mode: str, options: Mapping[str, float | bool | None]
) -> Reading:
    """Return the reading of ``target`` by ``reader``."""
    data = reader.read(target, configuration=configuration, mode=mode, options=options)
    if data["changed"]:
        raise ReadingChangedRun(f"{target}: {', '.join(data['changed'])} ended in other bits because the run was read")
    given = [f"{name}={value}" for name, value in options.items()]
    described = ", ".join([*filter(None, [configuration]), *given, *([] if mode == "single" else [f"mode {mode}"])])
    return reading_of(data, described)
