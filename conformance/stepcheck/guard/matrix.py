"""``matrix``: releases of torch side by side, each held against the one before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.cache import Recordings
from stepcheck.guard.check_baseline import Job, again, compared, identical, unheard_of
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.spec import CHECKPOINT, Asked
from stepcheck.guard.environments.environments import Unavailable
from stepcheck.guard.record_baseline import Progress, recorded
from stepcheck.processes.executor import Contradiction, Executor
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Column:
    """One release of torch: what it is, and how it differs from the last one before it that could be had.

    ``missing`` says why there is nothing, "" where there is; ``against`` names the release that ``differences`` are
    from, "" for the first. ``cells`` counts what the release has, by target.
    """

    version: str
    environment: dict[str, Any] = field(default_factory=dict)
    missing: str = ""
    against: str = ""
    cells: dict[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()


def matrix(
    versions: Sequence[str],
    recordings: Recordings,
    executor: Executor,
    *,
    drop: bool = False,
    progress: Progress = lambda done, total, cell: None,
    say: Say = lambda line: None,
) -> Iterator[Column]:
    """Yield a column for each of ``versions``, as soon as it is there.

    What is recorded stays in the cache, so that a run that was interrupted goes on where it was. A release that cannot
    be had is a column that says why. With ``drop`` a release's environment is deleted once it is not needed any more.
    """
    before: tuple[str, Baseline] | None = None
    for version in versions:
        try:
            now = recordings.baseline(version, executor, progress, say)
            differences: tuple[Difference, ...] = ()
            if before is not None:
                differences = tuple(_differences(before[1], now, version, recordings, executor, say))
            against = before[0] if before is not None else ""
            yield Column(version, dict(now.environment), "", against, _cells(now), differences)
            before = version, now
        except (Unavailable, WorkerError, TargetError, WrongRequest, Contradiction, OSError) as error:
            why = error.reason if isinstance(error, Unavailable) else str(error) or type(error).__name__
            say(f"torch {version}: not to be had: {why.splitlines()[0]}")
            yield Column(version, missing=why)
        finally:
            if drop:
                _drop(version, recordings, say)


def _drop(version: str, recordings: Recordings, say: Say) -> None:
    environments = recordings.site.environments()
    try:
        if version in environments.cached():
            environments.remove(version)
            say(f"torch {version}: its environment is deleted")
    except (OSError, Unavailable) as error:
        say(f"torch {version}: its environment could not be deleted ({error})")


def _cells(baseline: Baseline) -> dict[str, int]:
    """Return how many cells a release has of each target, without those that it refuses."""
    found: dict[str, int] = {}
    for name, kept in baseline.cells.items():
        found[kept.target] = found.get(kept.target, 0) + ("absent" not in baseline.recording(name).facts)
    return found


def _differences(
    old: Baseline, new: Baseline, version: str, recordings: Recordings, executor: Executor, say: Say
) -> list[Difference]:
    """Return how every cell that either release has differs; checkpoints of the old one are gone on from."""
    told: dict[str, Difference] = {}
    jobs: list[Job] = []
    saved: list[tuple[Asked, Recording]] = []
    for name in old.cells:
        asked, was = old.asked(name), old.recording(name)
        if name not in new.cells:
            jobs.append((asked, was, Recording({"absent": "the release has no such cell"}, {})))
        elif asked.kind == CHECKPOINT:
            saved.append((asked, was))
        elif old.same(name, new.recording(name)):
            told[name] = identical(asked, was)
        else:
            jobs.append((asked, was, new.recording(name)))
    for name in new.cells:
        if name not in old.cells:
            told[name] = unheard_of(new.asked(name), new.recording(name))
    jobs += _resumed(saved, version, recordings, executor, say)
    told |= {asked.id: one for asked, one in compared(jobs, executor)}
    order = [*old.cells, *(name for name in new.cells if name not in old.cells)]
    return [told[name] for name in order if name in old.cells or told[name].change is not Change.IDENTICAL]


def _resumed(
    saved: Sequence[tuple[Asked, Recording]], version: str, recordings: Recordings, executor: Executor, say: Say
) -> list[Job]:
    """Return each checkpoint with what came of going on from it under ``version``."""
    if not saved:
        return []
    site = recordings.at(version)
    anew = {asked.id: again(asked, was) for asked, was in saved}
    with Workers(interpreter=site.interpreter(say)) as workers:
        found = {entry.id: recording for entry, recording in recorded(list(anew.values()), workers, executor, site)}
    return [(asked, was, found[asked.id]) for asked, was in saved]
