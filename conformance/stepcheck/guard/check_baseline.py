"""``check``: every cell of a baseline is run again under another torch, and compared with its recording."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from stepcheck.certification.request import Request, WrongRequest
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import BadBaseline, load
from stepcheck.guard.baselines.manifest_form import BadForm, check_circumstances
from stepcheck.guard.baselines.names import check_names, check_targets
from stepcheck.guard.baselines.recorded_content import check_spec, checked_recording
from stepcheck.guard.baselines.unfinished import save_checked
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.checkpoint import recheck_spec
from stepcheck.guard.comparison.compare import compare, identical_cell, new_cell
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_patterns import select_cells
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, STEPS, CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.environments.torch_source import OWN, Notify, TorchSource, environment_of
from stepcheck.guard.record_baseline import Progress, record_cells
from stepcheck.processes.executor import Executor, Local, shard
from stepcheck.processes.pool import usable_cores
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError


def check(
    directory: Path | str,
    *,
    source: TorchSource = OWN,
    executor: Executor | None = None,
    part: str = "",
    only: Sequence[str] = (),
    targets: Sequence[str] = (),
    accept: Sequence[str] = (),
    reason: str = "",
    progress: Progress = lambda done, total, cell: None,
    notify: Notify = lambda line: None,
) -> CheckResult:
    """Return how the cells of the baseline in ``directory`` differ under the torch of ``source``.

    ``only`` are patterns of cells, with "*" and "?"; ``part`` "I/N" is one shard of them. ``targets`` are those of the
    user's that are in the baseline: of what it names only these, and what stepcheck has adapters for, is imported.
    Changes of the cells that ``accept`` names are written into the baseline with today's date and ``reason``: they are
    accepted from then on, for as long as the cell does the same. Otherwise as ``record``. Raises BadBaseline, and
    WrongRequest for a pattern that matches no cell.
    """
    directory = Path(directory)
    if accept and not reason.strip():
        raise WrongRequest("accept needs a reason, as in --reason 'first moments are averaged by lerp'")
    if reason.strip() and not accept:
        raise WrongRequest(
            f"reason={reason[:60]!r}, but without --accept, as in --accept 'AdamW*', nothing is accepted"
        )
    executor = executor or Local(usable_cores())
    baseline = load(directory)
    given = [target.partition("=")[0] for target in targets]
    with _of(directory):
        check_circumstances(baseline.environment, baseline.selection)
        check_targets([stored.target for stored in baseline.cells.values()], given)
        check_targets([target for target, _ in baseline.selection["targets"]], given)
    names = select_cells(only, baseline.cells) if only else list(baseline.cells)
    if part:
        names = shard(names, part, lambda name: name)
    accepting = set(select_cells(accept, names))
    with Workers(interpreter=source.interpreter(notify)) as workers:
        environment = environment_of(workers, source.torch, source.python)
        specs = [baseline.spec(name) for name in names]
        with _of(directory):
            check_names(specs, partial(_class_around, workers))
        unchecked = tuple(spec.id for spec in specs if _device(spec) not in ("", *environment["devices"]))
        with _of(directory):
            stored = [(spec, _recording(baseline, spec)) for spec in specs if spec.id not in unchecked]
        rechecks = {spec.id: recheck_spec(spec, old) for spec, old in stored}
        without = only or not baseline.cells or baseline.selection.get("shard")
        added = [] if without else _added_cells(baseline, workers, part)
        total = len(rechecks) + len(added)
        progress(0, total, "")
        changed: dict[str, Recording] = {}
        differences: dict[str, Difference] = {}
        cells = record_cells([*rechecks.values(), *added], workers, executor, source)
        with _blaming(directory, specs):
            for done, (spec, recording) in enumerate(cells, 1):
                progress(done, total, spec.id)
                if spec.id not in rechecks:
                    differences[spec.id] = new_cell(spec, recording)
                elif spec.kind != CHECKPOINT and baseline.same(spec.id, recording):
                    differences[spec.id] = identical_cell(spec, recording)
                else:
                    changed[spec.id] = recording
    with _of(directory):
        jobs = [(spec, checked_recording(baseline, spec), changed[spec.id]) for spec, _ in stored if spec.id in changed]
    for spec, one in compare_all(jobs, executor):
        differences[spec.id] = _with_acceptance(baseline, spec, changed[spec.id], one)
    if accepting:
        acceptance = {"torch": str(environment["torch"]), "reason": reason.strip()}
        differences |= _accept(baseline, [job for job in jobs if job[0].id in accepting], differences, acceptance)
        save_checked(baseline, directory, directory)
    order = [*rechecks, *(spec.id for spec in added)]
    listed = tuple(
        differences[name] for name in order if name in rechecks or differences[name].change is not Change.IDENTICAL
    )
    return CheckResult(baseline.environment, environment, listed, unchecked)


@contextlib.contextmanager
def _of(directory: Path) -> Iterator[None]:
    """Let what is wrong with a baseline's content name the baseline."""
    try:
        yield
    except BadForm as error:
        raise BadBaseline(f"baseline={directory}: {error}") from error
    except BadBaseline as error:
        raise BadBaseline(f"baseline={directory}{str(error).removeprefix('baseline')}") from error


@contextlib.contextmanager
def _blaming(directory: Path, specs: Sequence[CellSpec]) -> Iterator[None]:
    """Where running cells fails, raise BadBaseline if one of them could not be run at all."""
    try:
        yield
    except (ValueError, WorkerError) as error:
        with _of(directory):
            for spec in specs:
                check_spec(spec)
            if isinstance(error, ValueError) and not isinstance(error, (TargetError, WrongRequest)):
                raise BadBaseline(
                    f"baseline: a cell in it cannot be run ({' '.join(str(error).split())[:200]})"
                ) from error
        raise


def _recording(baseline: Baseline, spec: CellSpec) -> Recording:
    """Return a recording; that of a checkpoint, from which a run goes on, is checked first."""
    if spec.kind == CHECKPOINT:
        return checked_recording(baseline, spec)
    try:
        return baseline.recording(spec.id)
    except (ValueError, TypeError, LookupError) as error:
        raise BadBaseline(f"baseline: the recording of {spec.id[:200]} is damaged ({error!r:.200})") from error


def _class_around(workers: Workers, target: str, rule: str) -> str:
    """Return the class that stepcheck writes around an update function."""
    from stepcheck.certification.undeclared.description import describe

    return str(describe(Request(target=target, rule=rule), workers)["adapter"]["source"])


def _device(spec: CellSpec) -> str:
    """Return the device that a cell is on, "" for one that is on none."""
    return "" if spec.cell is None else str(spec.cell["device"])


def _added_cells(baseline: Baseline, workers: Workers, part: str) -> list[CellSpec]:
    """Return the cells of the baseline's selection that it lacks, such as a class that came with a release."""
    stored = {name: value for name, value in baseline.selection.items() if name != "shard"}
    targets = stored.pop("targets")
    devices = tuple(sorted({name.partition(":")[0] for name in baseline.environment["devices"]}))
    selection = Selection((), tuple(stored["modes"]), tuple(stored["dtypes"]), tuple(stored["devices"]) or devices)
    specs: list[CellSpec] = []
    for target, rule in targets:
        with contextlib.suppress(TargetError):  # a target that can no longer be imported adds nothing
            specs += corpus(replace(selection, targets=((target, rule),)), workers)
    added = [spec for spec in specs if spec.id not in baseline.cells]
    return shard(added, part, lambda spec: spec.id) if part else added


Job = tuple[CellSpec, Recording, Recording]
"""A cell, its old and its new recording."""


def compare_all(jobs: Sequence[Job], executor: Executor) -> Iterator[tuple[CellSpec, Difference]]:
    """Yield how each cell's two recordings differ, as results come; always on this machine, where both are."""
    here = executor if executor.here else Local(usable_cores())
    for index, one in here.run(_comparer, jobs):
        yield jobs[index][0], one


@contextlib.contextmanager
def _comparer() -> Iterator[Callable[[Job], Difference]]:
    """Yield what compares one cell's recordings."""
    yield lambda job: compare(*job)


def _with_acceptance(baseline: Baseline, spec: CellSpec, recording: Recording, result: Difference) -> Difference:
    """Return ``result`` with the reason for which it was accepted, where it was.

    Steps need only stay within rounding of what was accepted; everything else has to be the same to the bit.
    """
    if result.change is Change.IDENTICAL:
        return result
    for acceptance, before in baseline.acceptances(spec.id):
        same = before.facts == recording.facts and _same_bits(before, recording)
        if not same and spec.kind == STEPS:
            same = compare(spec, before, recording).change in (Change.IDENTICAL, Change.ROUNDING)
        if same:
            return replace(result, accepted=_reason(acceptance))
    return result


def _same_bits(one: Recording, other: Recording) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        values.tobytes() == other.tensors[name].tobytes() for name, values in one.tensors.items()
    )


def _accept(
    baseline: Baseline, jobs: Sequence[Job], differences: Mapping[str, Difference], acceptance: Mapping[str, str]
) -> dict[str, Difference]:
    """Add the new recordings of ``jobs`` to the baseline as accepted, and return their differences as accepted.

    One that does not differ, or was accepted before, has nothing to accept.
    """
    dated = {"date": datetime.date.today().isoformat(), **acceptance}
    accepted = {}
    for spec, _, recording in jobs:
        if differences[spec.id].change is not Change.IDENTICAL and not differences[spec.id].accepted:
            baseline.accept(baseline.spec(spec.id), recording, dated)
            accepted[spec.id] = replace(differences[spec.id], accepted=_reason(dated))
    return accepted


def _reason(acceptance: Mapping[str, str]) -> str:
    return f"{acceptance['reason']} ({acceptance['date']}, torch {acceptance['torch']})"
