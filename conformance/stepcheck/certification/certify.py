"""``certify``: a target in, a certificate out."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace as replaced

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.certification.output.installed_versions import versions_of
from stepcheck.certification.output.output_directory import OutputDirectory
from stepcheck.certification.output.resumption import Earlier, check_directory
from stepcheck.certification.plan import batches
from stepcheck.certification.references.bringing import check_rule_or_reference, with_reference
from stepcheck.certification.request import Request, directory_for, requested, target_name
from stepcheck.certification.run_state import RunState
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import Survey, check_target, rules_of, survey
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError
from stepcheck_reference.verdict import Verdict

Progress = Callable[[int, int, CellResult | None], None]
"""Called with (cells done, cells in all, the result that has just come in, None at the start)."""

Notify = Callable[[str, bool], None]
"""Called with what is being done now, and whether that is a detail of what was said before."""

PATIENCE: Mapping[str, float] = {"quick": 10.0, "standard": 30.0, "thorough": 60.0}
"""Seconds after which a script counts as hung; scripts take milliseconds, and profiles differ in how many steps."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; ``certificate`` holds the results until then."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__("interrupted")
        self.certificate = certificate


def certify(
    target: str | Callable[..., Any],
    *,
    rule: str | None = None,
    like: str | Callable[..., Any] | None = None,
    modes: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    fixed: Mapping[str, float | bool] | None = None,
    map: Mapping[str, str] | None = None,
    profile: str = "quick",
    seed: int = 0,
    strict: bool = False,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
) -> Certificate:
    """Return the certificate of ``target``, compared with ``rule`` (default: its adapter's, or what it reads as).

    A string is imported by worker processes ("torch.optim.AdamW", "package.module:Name", "path/file.py:Name"); the name
    of a library ("torch.optim") means every class of it. A class runs in this process, where a crash is the caller's.
    ``rule`` is a name, or a ``Rule`` as "path/file.py:NAME"; with ``like``, a reference given as a target is, the rule
    is what is read of its code. Empty ``modes``, ``dtypes`` and ``devices`` mean all there are; ``fixed`` fixes
    hyper-parameters at a value, by alphabet name, and gives other arguments one; ``map`` says of a hyper-parameter
    which argument it is ("gamma", "betas[0]") and of a state where it is stored ("buf"), where names and values do not.
    ``strict`` makes known issues count against ``conforms``. ``select`` and ``ignore`` are codes of laws, or beginnings
    of codes ("SC1", "SC203"): only those of ``select`` are checked (default: all), and none of ``ignore``; the longest
    that fits a law decides. With ``out``, one JSON file a cell is written there as it comes, failing scripts with it,
    and ``certificate.json`` at the end; cells that an interrupted run of the same request, on the same sources and
    releases, has left there are not run again. ``progress`` is called after every cell, ``notify`` when something else
    begins. Verdicts are the same for the same seed, whatever ``jobs`` is. ``memory`` are the bytes that a worker
    process may use (default: half of the machine's memory).

    Raises WrongRequest, UnknownRule, OutOfDomain and TargetError where the request is wrong, Interrupted
    (a KeyboardInterrupt) on Ctrl-C, and Contradiction where stepcheck itself fails. The results until then
    are the exception's ``certificate``, once cells are being judged.
    """
    began = time.perf_counter()
    request = requested(
        target_name(target),
        rule=rule,
        like=None if like is None else target_name(like),
        modes=modes,
        dtypes=dtypes,
        devices=devices,
        fixed=fixed,
        map=map,
        profile=profile,
        seed=seed,
        strict=strict,
        select=select,
        ignore=ignore,
    )
    if isinstance(target, str):
        check_target(request)
    check_rule_or_reference(request)
    path = None if out is None else Path(out)
    if path is not None:
        check_directory(path, request)
    progress = progress or (lambda done, total, result: None)
    notify = notify or (lambda doing, detail: None)
    in_process = not isinstance(target, str) or not isinstance(like, str | None)
    with contextlib.nullcontext() if path is None else directory_for(path) as directory:
        earlier = None if directory is None else Earlier(directory, request, in_process=in_process)
        if not isinstance(target, str):
            from stepcheck_implementations.workers.in_process import InProcess

            runner = InProcess(target)
            own = contextlib.nullcontext(runner)
            return _certify(request, like, runner, lambda: own, earlier, 1, progress, notify, began)
        notify("importing torch", False)
        with Workers(memory=memory) as workers:
            deadline = PATIENCE[request.profile]
            return _certify(
                request,
                like,
                workers,
                lambda: Workers(address=workers.address, deadline=deadline, memory=memory),
                earlier,
                jobs,
                progress,
                notify,
                began,
            )


def _certify(
    request: Request,
    like: str | Callable[..., Any] | None,
    runner: Runner,
    new_runner: Callable[[], contextlib.AbstractContextManager[Runner]],
    earlier: Earlier | None,
    jobs: int | None,
    progress: Progress,
    notify: Notify,
    began: float,
) -> Certificate:
    from stepcheck.certification.cells.evaluator import CellEvaluator
    from stepcheck.certification.formula.formula_of import formula_of, judged
    from stepcheck.certification.undeclared.kept_rule import kept_rule
    from stepcheck.processes.executor import Contradiction, Local
    from stepcheck.processes.pool import can_fork, usable_cores
    from stepcheck_properties.examination.examine import precompute
    from stepcheck_reference.rules import find

    adapter = libraries.find(request.target)
    for rule in rules_of(request, adapter) if adapter is not None else ():
        precompute(find(rule))  # while the workers' fork server still imports torch
    runner.environment()  # once torch has been imported
    if like is not None:
        notify(f"reading {request.like}", False)
        request = with_reference(request, like, runner)
    notify(f"trying {request.target}", False)
    surveyed = survey(request, runner)
    formula = surveyed.formula
    if len(surveyed.subjects) == 1:
        request = surveyed.subjects[0].request
    cells = surveyed.cells
    planned = [entry for _, entry in cells]
    output = OutputDirectory(None if earlier is None else earlier.path, [entry.cell for entry in planned])
    open_ = [number for number, entry in enumerate(planned) if entry.verdict is None]
    torch = str(surveyed.environment["torch"])
    results = {number: entry.unjudged() for number, entry in enumerate(planned) if entry.verdict is not None}
    unjudged = dict(results)
    taken: dict[int, CellResult] = {}
    if earlier is not None:
        taken = output.taken_over(earlier, open_, versions_of(request.target, surveyed.environment))
        results |= taken
        open_ = [number for number in open_ if number not in taken]
    jobs = max(1, min(usable_cores() if jobs is None else jobs, len(open_)))
    state = RunState(request, surveyed, results, jobs, began, len(taken))

    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[int], CellResult]]:
        with new_runner() as own_runner:

            def evaluate(number: int) -> CellResult:
                subject, entry = cells[number]
                try:
                    evaluator = CellEvaluator(subject, entry, own_runner, torch)
                    if jobs == 1:  # else it is another process that evaluates it
                        evaluator.on_progress = _scripts(entry.cell.id, notify)
                    return evaluator.evaluate()
                except (WorkerError, Contradiction):
                    raise
                except Exception as error:
                    trace = traceback.format_exc().rstrip()
                    raise Contradiction(f"{entry.cell.id} was not evaluated\n{trace}") from error

            yield evaluate

    notify(f"judging {len(open_)} {'cell' if len(open_) == 1 else 'cells'}", False)
    progress(0, len(open_), None)
    try:
        # An evaluation is not worth waiting for when the run is left: processes are killed without patience.
        local = Local(jobs if can_fork() else 1, patience=0.0)
        evaluated = local.run(
            prepare,
            range(len(planned)),
            batches=batches(planned, open_, jobs),
            kind=state.rule_of,
        )
        with contextlib.closing(evaluated):
            for done, (number, result) in enumerate(evaluated, 1):
                results[number] = result
                output.write_cell(number, result)
                progress(done, len(open_), result)
        certificate = state.certificate()
        claimed = _claimed(surveyed)
        if claimed and formula is None and runner.isolated:
            notify("reading its equations", True)
            formula = formula_of(request, runner, claimed)
        formula = None if formula is None else judged(formula, certificate.findings.answers)
        keeps = None
        if certificate.verdict is Verdict.BROKEN:
            notify("looking for a rule that it keeps", True)
            keeps = kept_rule(request, runner, certificate.cells, formula)
        findings = replaced(certificate.findings, keeps=keeps, formula=formula)
        certificate = replaced(certificate, findings=findings)
        for number, result in unjudged.items():
            output.write_cell(number, result)
        output.write_certificate(certificate)
        return certificate
    except BaseException as stop:  # whatever it is, the results until then are not lost
        certificate = state.certificate(stopped=stop)
        output.save_certificate(certificate)
        if isinstance(stop, KeyboardInterrupt):
            raise Interrupted(certificate) from stop
        stop.certificate = certificate  # type: ignore[attr-defined]
        raise


def _claimed(surveyed: Survey) -> str:
    """Return the rule that the first configuration of the one class is compared with; "" for a library, or none."""
    rules = [planned.rule for _, planned in surveyed.cells if planned.rule is not None]
    return rules[0].name if len(surveyed.subjects) == 1 and rules else ""


def _scripts(cell: str, notify: Notify) -> Callable[[int, int, int], None]:
    """Return the callback for an examination that counts the scripts of ``cell``."""
    return lambda done, total, compared: notify(f"script {done} of about {total} of {cell}", True)
