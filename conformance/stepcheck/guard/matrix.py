"""``matrix``: releases of torch side by side, each compared with the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.recording_cache import RecordingCache
from stepcheck.guard.check_baseline import Job, compare_all
from stepcheck.guard.comparison.checkpoint import recheck_spec
from stepcheck.guard.comparison.compare import identical_cell, new_cell
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, CellSpec
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.guard.environments.torch_source import Notify
from stepcheck.guard.record_baseline import Progress, record_cells
from stepcheck.processes.executor import Contradiction, Executor
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError


@dataclass(frozen=True, slots=True)
class Column:
    """One release of torch, and how it differs from the last release before it that was available.

    ``missing`` says why it is not available, "" where it is; ``against`` names the release that it is compared with,
    "" for the first. ``cells`` counts the cells of each target.
    """

    version: str
    environment: dict[str, Any] = field(default_factory=dict)
    missing: str = ""
    against: str = ""
    cells: dict[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()


def matrix(
    versions: Sequence[str],
    recordings: RecordingCache,
    executor: Executor,
    *,
    drop: bool = False,
    progress: Progress = lambda done, total, cell: None,
    notify: Notify = lambda line: None,
) -> Iterator[Column]:
    """Yield a column for each of ``versions``, as soon as it is complete.

    Recordings stay in the cache, so that an interrupted run resumes. A release that is not available is a column that
    says why. With ``drop`` the environment of a release is deleted once it is no longer needed.
    """
    before: tuple[str, Baseline] | None = None
    for version in versions:
        try:
            baseline = recordings.baseline(version, executor, progress, notify)
            differences: tuple[Difference, ...] = ()
            if before is not None:
                differences = tuple(_differences(before[1], baseline, version, recordings, executor, notify))
            against = before[0] if before is not None else ""
            yield Column(version, dict(baseline.environment), "", against, _cells(baseline), differences)
            before = version, baseline
        except (Unavailable, WorkerError, TargetError, WrongRequest, Contradiction, OSError) as error:
            why = error.reason if isinstance(error, Unavailable) else str(error) or type(error).__name__
            notify(f"torch {version}: not available: {why.splitlines()[0]}")
            yield Column(version, missing=why)
        finally:
            if drop:
                _drop(version, recordings, notify)


def _drop(version: str, recordings: RecordingCache, notify: Notify) -> None:
    environments = recordings.source.environments()
    try:
        if version in environments.cached():
            environments.remove(version)
            notify(f"torch {version}: its environment is deleted")
    except (OSError, Unavailable) as error:
        notify(f"torch {version}: its environment could not be deleted ({error})")


def _cells(baseline: Baseline) -> dict[str, int]:
    """Return how many cells a release has of each target, without those that it refuses."""
    counts: dict[str, int] = {}
    for name, stored in baseline.cells.items():
        counts[stored.target] = counts.get(stored.target, 0) + ("absent" not in baseline.recording(name).facts)
    return counts


def _differences(
    old: Baseline, new: Baseline, version: str, recordings: RecordingCache, executor: Executor, notify: Notify
) -> list[Difference]:
    """Return how every cell of either release differs; the old one's checkpoints are resumed under the new one."""
    differences: dict[str, Difference] = {}
    jobs: list[Job] = []
    checkpoints: list[tuple[CellSpec, Recording]] = []
    for name in old.cells:
        spec, recording = old.spec(name), old.recording(name)
        if name not in new.cells:
            jobs.append((spec, recording, Recording({"absent": "the release has no such cell"}, {})))
        elif spec.kind == CHECKPOINT:
            checkpoints.append((spec, recording))
        elif old.same(name, new.recording(name)):
            differences[name] = identical_cell(spec, recording)
        else:
            jobs.append((spec, recording, new.recording(name)))
    added = [name for name in new.cells if name not in old.cells]
    differences |= {name: new_cell(new.spec(name), new.recording(name)) for name in added}
    jobs += _resumed(checkpoints, version, recordings, executor, notify)
    differences |= {spec.id: one for spec, one in compare_all(jobs, executor)}
    order = [differences[name] for name in (*old.cells, *added)]
    return [one for one in order if one.cell in old.cells or one.change is not Change.IDENTICAL]


def _resumed(
    checkpoints: Sequence[tuple[CellSpec, Recording]],
    version: str,
    recordings: RecordingCache,
    executor: Executor,
    notify: Notify,
) -> list[Job]:
    """Return each checkpoint with the recording of the run that resumes it under ``version``."""
    if not checkpoints:
        return []
    source = recordings.source_of(version)
    specs = [recheck_spec(spec, old) for spec, old in checkpoints]
    with Workers(interpreter=source.interpreter(notify)) as workers:
        resumed = {spec.id: recording for spec, recording in record_cells(specs, workers, executor, source)}
    return [(spec, old, resumed[spec.id]) for spec, old in checkpoints]
