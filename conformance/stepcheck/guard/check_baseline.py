"""``check``: every cell of a baseline run again under another torch, and what it does now told from what it did."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline, load, save
from stepcheck.guard.comparison.check_result import Checked
from stepcheck.guard.comparison.compare import compare, numbers, resumed
from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.corpus.corpus import Wanted, corpus
from stepcheck.guard.corpus.patterns import chosen
from stepcheck.guard.corpus.spec import CHECKPOINT, STEPS, Asked
from stepcheck.guard.environments.torch_source import OWN, Site, environment_of
from stepcheck.guard.record_baseline import Progress, recorded
from stepcheck.processes.executor import Executor, Local, shard
from stepcheck.processes.pool import usable_cores
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers


def check(
    directory: Path | str,
    *,
    site: Site = OWN,
    executor: Executor | None = None,
    part: str = "",
    only: Sequence[str] = (),
    accept: Sequence[str] = (),
    reason: str = "",
    progress: Progress = lambda done, total, cell: None,
    say: Callable[[str], None] = lambda line: None,
) -> Checked:
    """Return how the cells of the baseline in ``directory`` differ under the torch of ``site``, or this one.

    ``only`` are patterns of cells, with "*" and "?"; ``part`` "I/N" is one shard of them. Changes of the cells that
    ``accept`` names are written into the baseline with today's date and ``reason``: they are accepted from then on, as
    long as the cell does what it does now. Otherwise as ``record``. Raises BadBaseline, and WrongRequest for a pattern
    that no cell has.
    """
    directory = Path(directory)
    if accept and not reason.strip():
        raise WrongRequest("accept needs a reason, as in --reason 'first moments are averaged by lerp'")
    executor = executor or Local(usable_cores())
    baseline = load(directory)
    names = chosen(only, baseline.cells) if only else list(baseline.cells)
    if part:
        names = shard(names, part, lambda name: name)
    accepting = set(chosen(accept, names))
    with Workers(interpreter=site.interpreter(say)) as workers:
        new = environment_of(workers, site.torch)
        every = [baseline.asked(name) for name in names]
        unchecked = tuple(entry.id for entry in every if _device(entry) not in ("", *new["devices"]))
        kept = [(entry, baseline.recording(entry.id)) for entry in every if entry.id not in unchecked]
        anew = {entry.id: again(entry, old) for entry, old in kept}
        more = [] if only or baseline.wanted.get("shard") else _more(baseline, workers, part)
        total = len(anew) + len(more)
        progress(0, total, "")
        found: dict[str, Recording] = {}
        told: dict[str, Difference] = {}
        for done, (entry, recording) in enumerate(recorded([*anew.values(), *more], workers, executor, site), 1):
            progress(done, total, entry.id)
            if entry.id not in anew:
                told[entry.id] = unheard_of(entry, recording)
            elif entry.kind != CHECKPOINT and baseline.same(entry.id, recording):
                told[entry.id] = identical(entry, recording)
            else:
                found[entry.id] = recording
    jobs = [(entry, old, found[entry.id]) for entry, old in kept if entry.id in found]
    for entry, one in compared(jobs, executor):
        told[entry.id] = _accepted(baseline, entry, found[entry.id], one)
    if accepting:
        _accept(baseline, directory, [job for job in jobs if job[0].id in accepting], told, reason, str(new["torch"]))
    order = [*anew, *(entry.id for entry in more)]
    differences = tuple(told[name] for name in order if told[name].change is not Change.IDENTICAL or name in anew)
    return Checked(baseline.environment, new, differences, unchecked)


def _device(asked: Asked) -> str:
    """Return the device that a cell is on, "" for one that is on none."""
    return "" if asked.cell is None else str(asked.cell["device"])


Job = tuple[Asked, Recording, Recording]


def compared(jobs: Sequence[Job], executor: Executor) -> Iterator[tuple[Asked, Difference]]:
    """Yield how each cell's two recordings differ, as it is known; on this machine, since both are here."""
    here = executor if executor.here else Local(usable_cores())
    for place, one in here.run(_comparing, jobs):
        yield jobs[place][0], one


@contextlib.contextmanager
def _comparing() -> Iterator[Callable[[Job], Difference]]:
    """Yield what compares one cell's recordings."""
    yield lambda job: compare(*job)


def again(asked: Asked, old: Recording) -> Asked:
    """Return what is asked to see what a cell does now: to do it again, or to go on from where it was saved."""
    return (resumed(asked, old) if asked.kind == CHECKPOINT else None) or asked


def _more(baseline: Baseline, workers: Workers, part: str) -> list[Asked]:
    """Return what the baseline has never heard of, as a class that came with a release."""
    plain = {name: value for name, value in baseline.wanted.items() if name != "shard"}
    targets = plain.pop("targets")
    devices = tuple(sorted({name.partition(":")[0] for name in baseline.environment["devices"]}))
    wanted = Wanted((), tuple(plain["modes"]), tuple(plain["dtypes"]), tuple(plain["devices"]) or devices)
    there: list[Asked] = []
    for target, rule in targets:
        with contextlib.suppress(TargetError):  # what can no longer be imported has nothing new
            there += corpus(replace(wanted, targets=((target, rule),)), workers)
    fresh = [entry for entry in there if entry.id not in baseline.cells]
    return shard(fresh, part, lambda entry: entry.id) if part else fresh


def unheard_of(asked: Asked, recording: Recording) -> Difference:
    """Return what is said of a cell that a baseline does not have: it is new, unless it is refused."""
    if "absent" in recording.facts:
        return difference(asked.id, asked.kind, asked.target, ())
    point = Point(Change.NEW, "the baseline has no such cell", api=True)
    return difference(asked.id, asked.kind, asked.target, [point])


def identical(asked: Asked, recording: Recording) -> Difference:
    """Return what is said of a cell whose recording has the same bits."""
    return difference(asked.id, asked.kind, asked.target, (), numbers(recording))


def _accepted(baseline: Baseline, asked: Asked, recording: Recording, found: Difference) -> Difference:
    """Return ``found`` with the reason for which it was accepted, where it was."""
    if found.change is Change.IDENTICAL:
        return found
    for said, before in baseline.acceptances(asked.id):
        same = before.facts == recording.facts and _same(before, recording)
        if not same and asked.kind == STEPS:
            same = compare(asked, before, recording).change in (Change.IDENTICAL, Change.ROUNDING)
        if same:
            return replace(found, accepted=f"{said['reason']} ({said['date']}, torch {said['torch']})")
    return found


def _same(one: Recording, other: Recording) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        values.tobytes() == other.tensors[name].tobytes() for name, values in one.tensors.items()
    )


def _accept(
    baseline: Baseline,
    directory: Path,
    jobs: Sequence[Job],
    told: dict[str, Difference],
    reason: str,
    torch: str,
) -> None:
    """Write what these cells do now into the baseline; one that does not differ has nothing to accept."""
    said = {"date": datetime.date.today().isoformat(), "torch": torch, "reason": reason.strip()}
    for asked, _, recording in jobs:
        if told[asked.id].change is not Change.IDENTICAL and not told[asked.id].accepted:
            baseline.accept(baseline.asked(asked.id), recording, said)
            told[asked.id] = replace(told[asked.id], accepted=f"{said['reason']} ({said['date']}, torch {torch})")
    try:
        save(baseline, directory)
    except OSError as error:
        raise WrongRequest(f"baseline={directory}, but it cannot be written ({error.strerror or error})") from error
