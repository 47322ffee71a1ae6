"""``record``: every cell is run under one torch, and its recording written to a baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from stepcheck.certification.request import WrongRequest, directory_for
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import MANIFEST
from stepcheck.guard.baselines.unfinished import Unfinished, by_target, save_checked
from stepcheck.guard.corpus.cell_spec import SCHEDULE, STEPS, CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.selection import EVERYTHING, Selection
from stepcheck.guard.environments.torch_source import (
    OWN,
    Batch,
    Notify,
    TorchSource,
    environment_of,
    local_recorder,
    remote_recorder,
)
from stepcheck.processes.executor import Executor, Local, shard
from stepcheck.processes.pool import usable_cores
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

Progress = Callable[[int, int, str], None]
"""Called with (cells done, cells in all, the cell that was just recorded, "" at the start)."""


def record(
    directory: Path | str,
    selection: Selection = EVERYTHING,
    *,
    source: TorchSource = OWN,
    executor: Executor | None = None,
    part: str = "",
    replace: bool = False,
    progress: Progress = lambda done, total, cell: None,
    notify: Notify = lambda line: None,
) -> Baseline:
    """Record the cells of ``selection`` under the torch of ``source``, write them to ``directory`` and return them.

    ``part`` "I/N" records one shard of the cells. An interrupted recording is kept in ``directory``, and resumed by the
    next. Raises WrongRequest where ``directory`` holds a baseline that is not to be ``replace``d, or cannot be written;
    TargetError for an unknown target; Unavailable where ``source`` has no such torch; and WorkerError.
    """
    directory = Path(directory)
    if (directory / MANIFEST).exists() and not replace:
        raise WrongRequest(
            f"baseline={directory}, but it already holds a baseline; --force records it again, and discards what was "
            "accepted in it"
        )
    with directory_for(directory), Workers(interpreter=source.interpreter(notify)) as workers:
        environment = environment_of(workers, source.torch, source.python)
        specs = corpus(selection, workers)
        if part:
            specs = shard(specs, part, lambda spec: spec.id)
        baseline = Baseline(environment, {**json.loads(json.dumps(asdict(selection))), "shard": part})
        unfinished = Unfinished(directory, environment, specs)
        done = 0
        progress(0, len(specs), "")
        left: list[CellSpec] = []
        for target, cells in by_target(specs).items():
            finished = unfinished.finished(target)
            if finished is None:
                left += cells
                continue
            for spec in cells:
                baseline.add(spec, finished.recording(spec.id))
            done += len(cells)
            progress(done, len(specs), cells[-1].id)
        waiting = {target: {spec.id for spec in cells} for target, cells in by_target(left).items()}
        targets = {target: Baseline(environment) for target in waiting}
        for spec, recording in record_cells(left, workers, executor or Local(usable_cores()), source):
            targets[spec.target].add(spec, recording)
            baseline.add(spec, recording)
            waiting[spec.target].remove(spec.id)
            if not waiting[spec.target]:
                unfinished.finish(spec.target, targets.pop(spec.target))
            done += 1
            progress(done, len(specs), spec.id)
    baseline.cells = {spec.id: baseline.cells[spec.id] for spec in specs}
    save_checked(baseline, directory, directory)
    unfinished.delete()
    return baseline


def record_cells(
    specs: Sequence[CellSpec], workers: Workers, executor: Executor, source: TorchSource = OWN
) -> Iterator[tuple[CellSpec, Recording]]:
    """Yield every cell of ``specs`` with its recording, as they come; ``workers`` are those of ``source``."""
    jobs = batches(specs)
    prepare = partial(local_recorder, workers.address, workers.interpreter)
    if not executor.here:
        prepare = partial(remote_recorder, source, environment_of(workers)["torch"])
    for index, recordings in executor.run(prepare, jobs):
        yield from zip(jobs[index], recordings, strict=True)


_LARGEST = 12
"""Cells of a batch at most, so that the last batches end together."""


def batches(specs: Sequence[CellSpec]) -> list[Batch]:
    """Return ``specs`` in batches, each recorded by one process: modes that run the same scripts are together."""
    groups: list[list[CellSpec]] = []
    for spec in specs:
        last = groups[-1] if groups else []
        if last and _belong_together(last[-1], spec) and len(last) < _LARGEST:
            last.append(spec)
        else:
            groups.append([spec])
    return [tuple(group) for group in groups]


def _belong_together(one: CellSpec, other: CellSpec) -> bool:
    if one.kind != other.kind or one.target != other.target:
        return one.kind == other.kind == SCHEDULE
    return one.kind != STEPS or one.request == other.request
