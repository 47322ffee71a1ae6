"""The cache of recordings: a baseline for each release of torch, and single cells that a bisection asks for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import BadBaseline, load, save
from stepcheck.guard.baselines.fingerprint import fingerprint
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.guard.environments.releases import public
from stepcheck.guard.environments.torch_source import Notify, TorchSource, environment_of
from stepcheck.guard.record_baseline import Progress, record, record_cells
from stepcheck.processes.executor import Executor, Local
from stepcheck_implementations.workers.pool import Workers


@dataclass(frozen=True, slots=True)
class RecordingCache:
    """Recordings of several releases of torch in the cache of ``source``, whose own release does not matter.

    ``selection`` and ``part`` are as for ``record``.
    """

    source: TorchSource
    selection: Selection
    part: str = ""

    def source_of(self, version: str) -> TorchSource:
        """Return the source with torch ``version``."""
        return replace(self.source, torch=version)

    def path(self, version: str, *keys: str) -> Path:
        """Return where a release's recording is; ``keys`` distinguish recordings of single cells."""
        parts = [asdict(self.selection), self.part, self.source.python, self.source.torch_backend, *keys]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
        return self.source.root / "recordings" / f"torch-{version}-{fingerprint()}-{key}"

    def cached(self, version: str, *keys: str) -> Baseline | None:
        """Return the recording of a release, None where there is none that is complete and of this release."""
        try:
            baseline = load(self.path(version, *keys))
        except BadBaseline:
            return None
        return baseline if public(baseline.torch) == public(version) else None

    def baseline(self, version: str, executor: Executor, progress: Progress, notify: Notify) -> Baseline:
        """Return the recording of a release, made if need be; raises as ``record`` does."""
        cached = self.cached(version)
        if cached is not None:
            notify(f"torch {version}: already recorded")
            return cached
        try:
            return record(
                self.path(version),
                self.selection,
                source=self.source_of(version),
                executor=executor,
                part=self.part,
                replace=True,
                progress=progress,
                notify=notify,
            )
        except WrongRequest as error:
            raise Unavailable(version, str(error)) from error

    def record_cell(self, version: str, spec: CellSpec, notify: Notify) -> Baseline:
        """Return a recording of one cell under a release, cached under its spec."""
        text = json.dumps([spec.id, spec.request], sort_keys=True, default=str)
        arrays = b"".join(values.tobytes() for values in spec.arrays)
        key = hashlib.sha256(text.encode() + arrays).hexdigest()[:16]
        cached = self.cached(version, key)
        if cached is not None:
            return cached
        with Workers(interpreter=self.source_of(version).interpreter(notify)) as workers:
            notify(f"torch {version}: recording {spec.id}")
            baseline = Baseline(environment_of(workers, version))
            for entry, recording in record_cells([spec], workers, Local(1)):
                baseline.add(entry, recording)
        save(baseline, self.path(version, key))
        return baseline

    def specs(self, version: str, notify: Notify) -> list[CellSpec]:
        """Return every cell of the corpus under a release."""
        with Workers(interpreter=self.source_of(version).interpreter(notify)) as workers:
            return corpus(self.selection, workers)
