"""The cache of recordings: a baseline a release, and a cell a release for those who ask for one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import BadBaseline, Baseline, load, save
from stepcheck.guard.baselines.fingerprint import fingerprint
from stepcheck.guard.corpus.corpus import Wanted, corpus
from stepcheck.guard.corpus.spec import Asked
from stepcheck.guard.environments.environments import Unavailable
from stepcheck.guard.environments.torch_source import Site, environment_of
from stepcheck.guard.record_baseline import Progress, record, recorded
from stepcheck.processes.executor import Executor, Local
from stepcheck_implementations.workers.pool import Workers

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recordings:
    """What was recorded of several releases of torch, kept in the cache of ``site``, whose release does not count.

    ``wanted`` and ``part`` are as for ``record``.
    """

    site: Site
    wanted: Wanted
    part: str = ""

    def at(self, version: str) -> Site:
        """Return the site with torch ``version``."""
        return Site(version, self.site.python, self.site.cache, self.site.torch_backend)

    def place(self, version: str, *beside: str) -> Path:
        """Return where a release's recording is; ``beside`` tells apart what else is recorded of it."""
        told = [asdict(self.wanted), self.part, self.site.python, self.site.torch_backend, *beside]
        key = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]
        return self.site.root / "recordings" / f"torch-{version}-{fingerprint()}-{key}"

    def kept(self, version: str, *beside: str) -> Baseline | None:
        """Return the recording of a release, None where there is none that is whole."""
        try:
            found = load(self.place(version, *beside))
        except BadBaseline:
            return None
        return found if found.torch.partition("+")[0] == version.partition("+")[0] else None

    def baseline(self, version: str, executor: Executor, progress: Progress, say: Say) -> Baseline:
        """Return the recording of a release, made if need be; raises as ``record`` does."""
        found = self.kept(version)
        if found is not None:
            say(f"torch {version}: recorded before")
            return found
        place = self.place(version)
        try:
            return record(
                place,
                self.wanted,
                site=self.at(version),
                executor=executor,
                part=self.part,
                replace=True,
                progress=progress,
                say=say,
            )
        except WrongRequest as error:
            raise Unavailable(version, str(error)) from error

    def cell(self, version: str, asked: Asked, say: Say) -> Baseline:
        """Return a recording of one cell under a release, as ``asked``; kept under what was asked."""
        text = json.dumps([asked.id, asked.request], sort_keys=True, default=str)
        arrays = b"".join(values.tobytes() for values in asked.arrays)
        key = hashlib.sha256(text.encode() + arrays).hexdigest()[:16]
        found = self.kept(version, key)
        if found is not None:
            return found
        with Workers(interpreter=self.at(version).interpreter(say)) as workers:
            say(f"torch {version}: records {asked.id}")
            made = Baseline(environment_of(workers, version))
            for entry, recording in recorded([asked], workers, Local(1)):
                made.add(entry, recording)
        save(made, self.place(version, key))
        return made

    def asked(self, version: str, cell: str, say: Say) -> list[Asked]:
        """Return every cell of the corpus under a release, or that which is called ``cell``; [] where it has none."""
        with Workers(interpreter=self.at(version).interpreter(say)) as workers:
            return [entry for entry in corpus(self.wanted, workers) if not cell or entry.id == cell]
