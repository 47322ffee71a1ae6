"""``record``: what every cell does under one torch, written to a baseline."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from stepcheck.certification.request import WrongRequest, writable
from stepcheck.guard.baselines.baseline import MANIFEST, PARTS, BadBaseline, Baseline, load, save
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.corpus import EVERYTHING, Wanted, corpus
from stepcheck.guard.corpus.spec import Asked
from stepcheck.guard.environments.torch_source import OWN, Lot, Site, beside, elsewhere, environment_of
from stepcheck.processes.executor import Executor, Local, shard
from stepcheck.processes.pool import usable_cores
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

Progress = Callable[[int, int, str], None]
"""Called with (cells done, cells in all, the cell that has just come in, "" at the start)."""


def record(
    directory: Path | str,
    wanted: Wanted = EVERYTHING,
    *,
    site: Site = OWN,
    executor: Executor | None = None,
    part: str = "",
    replace: bool = False,
    progress: Progress = lambda done, total, cell: None,
    say: Callable[[str], None] = lambda line: None,
) -> Baseline:
    """Write to ``directory`` what the cells that are ``wanted`` do under the torch of ``site``, and return it.

    ``part`` "I/N" records one shard of the cells. What an interrupted recording has is kept in ``directory``, and
    gone on from. Raises WrongRequest where ``directory`` holds a baseline that is not to be ``replace``d, or cannot be
    written; TargetError for a target that there is not; Unavailable where ``site`` has none; and WorkerError.
    """
    directory = Path(directory)
    if (directory / MANIFEST).exists() and not replace:
        raise WrongRequest(
            f"baseline={directory}, but it holds a baseline already; --force records it anew, and forgets what was "
            "accepted in it"
        )
    writable(directory)
    with Workers(interpreter=site.interpreter(say)) as workers:
        environment = environment_of(workers, site.torch)
        asked = corpus(wanted, workers)
        if part:
            asked = shard(asked, part, lambda entry: entry.id)
        kept = _Parts(directory / PARTS, environment, asked)
        whole = Baseline(environment, {**_plain(wanted), "shard": part})
        done = 0
        progress(0, len(asked), "")
        left: list[Asked] = []
        for target, cells in by_target(asked):
            found = kept.known(target)
            if found is None:
                left += cells
                continue
            for entry in cells:
                whole.add(entry, found.recording(entry.id))
            done += len(cells)
            progress(done, len(asked), cells[-1].id)
        waiting = {target: dict.fromkeys(entry.id for entry in cells) for target, cells in by_target(left)}
        parts = {target: Baseline(environment) for target in waiting}
        for entry, recording in recorded(left, workers, executor or Local(usable_cores()), site):
            parts[entry.target].add(entry, recording)
            whole.add(entry, recording)
            waiting[entry.target].pop(entry.id)
            if not waiting[entry.target]:
                kept.keep(entry.target, parts.pop(entry.target))
            done += 1
            progress(done, len(asked), entry.id)
    whole.cells = {entry.id: whole.cells[entry.id] for entry in asked}
    try:
        save(whole, directory)
    except OSError as error:
        raise WrongRequest(f"baseline={directory}, but it cannot be written ({error.strerror or error})") from error
    kept.forget()
    return whole


def recorded(
    asked: Sequence[Asked], workers: Workers, executor: Executor, site: Site = OWN
) -> Iterator[tuple[Asked, Recording]]:
    """Yield every cell of ``asked`` with its recording, as they come; ``workers`` are those of ``site``."""
    jobs = lots(asked)
    prepare = partial(beside, workers.address, workers.interpreter)
    if not executor.here:
        prepare = partial(elsewhere, site, environment_of(workers)["torch"])
    for place, recordings in executor.run(prepare, jobs):
        yield from zip(jobs[place], recordings, strict=True)


def lots(asked: Sequence[Asked]) -> list[Lot]:
    """Return ``asked`` in lots: the modes that are put through the same scripts are one, and others go by the dozen."""
    found: list[list[Asked]] = []
    for entry in asked:
        last = found[-1] if found else []
        if last and _together(last[-1], entry) and len(last) < _MOST:
            last.append(entry)
        else:
            found.append([entry])
    return [tuple(lot) for lot in found]


_MOST = 12


def _together(one: Asked, other: Asked) -> bool:
    if one.kind != other.kind or one.target != other.target:
        return one.kind == other.kind == asking.SCHEDULE
    return one.kind != asking.STEPS or one.request == other.request


def by_target(asked: Sequence[Asked]) -> list[tuple[str, list[Asked]]]:
    """Return the cells of every target, in the order in which targets come up first."""
    found: dict[str, list[Asked]] = {}
    for entry in asked:
        found.setdefault(entry.target, []).append(entry)
    return list(found.items())


def _plain(wanted: Wanted) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(wanted)))  # type: ignore[no-any-return]


class _Parts:
    """The targets that an unfinished recording is through with, each a baseline of its own.

    Those of another environment, or of other cells or scripts, are not gone on from.
    """

    def __init__(self, directory: Path, environment: dict[str, Any], asked: Sequence[Asked]) -> None:
        self.directory, self.environment = directory, environment
        self.asked = {entry.id: entry for entry in asked}
        self.cells = {target: [entry.id for entry in cells] for target, cells in by_target(asked)}
        self.places = {target: directory / f"{number}" for number, target in enumerate(self.cells)}

    def known(self, target: str) -> Baseline | None:
        place = self.places[target]
        try:
            found = load(place)
        except BadBaseline:
            return None
        same = (
            found.environment == self.environment
            and list(found.cells) == self.cells[target]
            and all(found.asked(name) == self.asked[name] for name in found.cells)
        )
        return found if same else None

    def keep(self, target: str, part: Baseline) -> None:
        part.cells = {name: part.cells[name] for name in self.cells[target]}
        try:
            save(part, self.places[target])
        except OSError as error:
            raise WrongRequest(
                f"baseline={self.directory.parent}, but it cannot be written ({error.strerror or error})"
            ) from error

    def forget(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
