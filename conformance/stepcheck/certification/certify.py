"""``certify``: a target in, a certificate out; a module named like the function would hide it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from stepcheck import files
from stepcheck.certification.certificate import CellResult, Certificate, Findings, Run
from stepcheck.certification.plan import Planned, batches
from stepcheck.certification.request import Request, WrongRequest, requested, writable
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import check_target, rules_of, survey
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.verdict import Verdict, overall

Progress = Callable[[int, int, CellResult | None], None]
"""Called with (cells done, cells in all, the result that has just come in, None at the start)."""

PATIENCE: Mapping[str, float] = {"quick": 10.0, "standard": 30.0, "thorough": 60.0}
"""Seconds after which a script counts as hung; scripts take milliseconds, and profiles differ in how many steps."""
_LONGEST_NAME = 120


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; ``certificate`` holds what was found until then."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__("interrupted")
        self.certificate = certificate


def certify(
    target: str | Callable[..., Any],
    *,
    rule: str | None = None,
    modes: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    fixed: Mapping[str, float | bool] | None = None,
    map: Mapping[str, str] | None = None,
    profile: str = "quick",
    seed: int = 0,
    strict: bool = False,
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Return the certificate of ``target``, held to ``rule`` (default: what its adapter declares).

    A string is imported by worker processes ("torch.optim.AdamW", "package.module:Name",
    "path/file.py:Name"); the name of a library ("torch.optim") means every class of it. A class runs in
    this process, where a crash is the caller's. Empty ``modes``, ``dtypes`` and ``devices`` mean all there
    are; ``fixed`` holds hyper-parameters at a value, by alphabet name, and gives other arguments one; ``map``
    says of a hyper-parameter which argument it is ("gamma", "betas[0]") and of a state where it is held ("buf"),
    where names and values do not. ``strict`` makes known findings count against ``conforms``. With ``out``, one
    JSON file a cell is written there as it comes, failing scripts beside it, and ``certificate.json`` at the
    end. ``progress`` is called after every cell. The findings are the same for the same seed, whatever
    ``jobs`` is.

    Raises WrongRequest, UnknownRule, OutOfDomain and TargetError where the request is wrong, Interrupted
    (a KeyboardInterrupt) on Ctrl-C, and Contradiction where stepcheck itself fails. What was found until then
    is the exception's ``certificate``, once cells are being judged.
    """
    began = time.perf_counter()
    if not isinstance(target, str):
        from stepcheck_implementations.workers.in_process import name_of

        name = name_of(target)
    else:
        name = target
    request = requested(
        name,
        rule=rule,
        modes=modes,
        dtypes=dtypes,
        devices=devices,
        fixed=fixed,
        map=map,
        profile=profile,
        seed=seed,
        strict=strict,
    )
    if isinstance(target, str):
        check_target(request)
    directory = None if out is None else writable(Path(out))
    tell = progress or (lambda done, total, result: None)
    if not isinstance(target, str):
        from stepcheck_implementations.workers.in_process import InProcess

        runner = InProcess(target)
        return _certify(request, runner, lambda: contextlib.nullcontext(runner), directory, 1, tell, began)
    with Workers() as workers:
        address, deadline = workers.address, PATIENCE[request.profile]
        return _certify(
            request, workers, lambda: Workers(address=address, deadline=deadline), directory, jobs, tell, began
        )


def _certify(
    request: Request,
    runner: Runner,
    fresh: Callable[[], contextlib.AbstractContextManager[Runner]],
    directory: Path | None,
    jobs: int | None,
    progress: Progress,
    began: float,
) -> Certificate:
    from stepcheck_properties.examination.examine import precompute
    from stepcheck_reference.rules import find

    if request.rule is not None:
        find(request.rule)
    from stepcheck.certification.evaluator import CellEvaluator
    from stepcheck.processes.judges import Judge, default_jobs, judged

    own = libraries.find(request.target)
    for rule in rules_of(request, own) if own is not None else ():
        precompute(find(rule))  # while the fork server still imports torch
    found = survey(request, runner)
    planned = [entry for subject in found.subjects for entry in subject.planned]
    at = [subject for subject in found.subjects for _ in subject.planned]
    stems = file_names([entry.cell for entry in planned])
    open_ = [number for number, entry in enumerate(planned) if entry.verdict is None]
    jobs = min(jobs, max(1, len(open_))) if jobs is not None else default_jobs(len(open_))
    results: dict[int, CellResult] = {
        number: left_out(entry) for number, entry in enumerate(planned) if entry.verdict is not None
    }
    environment = {name: str(found.environment[name]) for name in ("torch", "python")}
    versions = {"stepcheck": _version("stepcheck"), **environment}
    beside = libraries.distributions(request.target)
    versions |= {name: _version(name) for name in (*beside, "numpy", "sympy", "hypothesis")}

    def certificate(stopped: BaseException | None = None) -> Certificate:
        cells = tuple(results[number] for number in sorted(results))
        return Certificate(
            findings=Findings(
                verdict=overall(cell.verdict for cell in cells),
                target=request.target,
                rule=" and ".join(dict.fromkeys(entry.rule for entry in planned if entry.rule)),
                profile=request.profile,
                seed=request.seed,
                strict=request.strict,
                fixed=dict(request.fixed),
                cells=cells,
                unfinished=len(planned) - len(cells),
                without_rule=found.without_rule,
                matched=found.matched,
                defaults=found.defaults,
            ),
            run=Run(
                seconds=round(time.perf_counter() - began, 3),
                jobs=jobs,
                versions=versions,
                host=platform.platform(),
                interrupted=isinstance(stopped, KeyboardInterrupt),
                stopped="" if stopped is None else one_line(stopped),
                started=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - (time.perf_counter() - began))),
            ),
        )

    @contextlib.contextmanager
    def prepare() -> Iterator[Judge]:
        with fresh() as judges_runner:
            evaluators = {
                subject.adapter.target: CellEvaluator(
                    subject.request, subject.adapter, environment["torch"], judges_runner
                )
                for subject in found.subjects
            }
            yield lambda number: evaluators[at[number].adapter.target].judge(planned[number])

    progress(0, len(open_), None)
    try:
        with contextlib.closing(
            judged(prepare, batches(planned, open_, jobs), jobs, lambda number: planned[number].rule)
        ) as stream:
            for done, (number, result) in enumerate(stream, 1):
                results[number] = result
                if directory is not None:
                    write_cell(directory, stems[number], result)
                progress(done, len(open_), result)
        whole = certificate()
        if directory is not None:
            for number, entry in enumerate(planned):
                if entry.verdict is not None:
                    write_cell(directory, stems[number], results[number])
            write(directory / "certificate.json", whole.to_json())
        return whole
    except BaseException as stop:  # whatever it is, what was found until then is not lost
        so_far = certificate(stopped=stop)
        if directory is not None:
            with contextlib.suppress(WrongRequest):
                write(directory / "certificate.json", so_far.to_json())
        if isinstance(stop, KeyboardInterrupt):
            raise Interrupted(so_far) from stop
        stop.certificate = so_far  # type: ignore[attr-defined]
        raise


def left_out(entry: Planned) -> CellResult:
    """Return the result of a cell that is not judged."""
    cell = entry.cell
    return CellResult(
        id=cell.id,
        configuration=cell.configuration,
        mode=cell.mode,
        dtype=cell.dtype,
        device=cell.device,
        target=cell.target,
        rule=entry.rule,
        verdict=entry.verdict or Verdict.NOT_RUN,
        reason=entry.reason,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        import stepcheck

        return stepcheck.__version__ if package == "stepcheck" else "unknown"


def file_names(cells: Sequence[Cell]) -> list[str]:
    """Return a file name for each cell: its id in letters, digits, ".", "-" and "_".

    Where two cells' would be one file, on a disk that knows no capitals too, and where a name would be too
    long, a digest of target and id stands behind it.
    """
    plain = [_file_name(cell.id) for cell in cells]
    taken = Counter(name.lower() for name in plain)
    names = []
    for cell, name in zip(cells, plain, strict=True):
        if taken[name.lower()] > 1 or len(name) > _LONGEST_NAME:
            digest = hashlib.blake2b(f"{cell.target} {cell.id}".encode(), digest_size=4).hexdigest()
            name = f"{name[:_LONGEST_NAME]}-{digest}"
        names.append(name)
    return names


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in text).strip("_")


def write_cell(directory: Path, stem: str, result: CellResult) -> None:
    """Write a cell's JSON under ``cells`` and its failures' programs under ``failures``, in files named ``stem``."""
    write(directory / "cells" / f"{stem}.json", msgspec.json.format(msgspec.json.encode(result)).decode())
    for failure in result.failures:
        output = failure.worst.output if failure.worst else failure.fault
        write(directory / "failures" / f"{stem}-{failure.code}-{_file_name(output)}.py", failure.standalone)


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all; raises WrongRequest where that cannot be done."""
    try:
        files.write(path, text)
    except OSError as error:
        raise WrongRequest(f"out={path}, but should be writable ({error.strerror or error})") from error
