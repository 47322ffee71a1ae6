"""Recordings with altered numbers, such as another torch might produce."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import load, save
from stepcheck_implementations.recorder.recording import Recording


def alter(directory: Path, cell: str, change: Callable[[Recording], Recording]) -> Baseline:
    """Replace the recording of ``cell`` in the baseline in ``directory`` by what ``change`` makes of it."""
    baseline = load(directory)
    baseline.add(baseline.spec(cell), change(baseline.recording(cell)))
    save(baseline, directory)
    return baseline


def with_tensor(recording: Recording, name: str, change: Callable[[Any], Any]) -> Recording:
    """Return ``recording`` with the tensor ``name``, a copy of it, as ``change`` leaves it."""
    values = recording.tensors[name].copy()
    changed = change(values)
    return replace(recording, tensors={**recording.tensors, name: values if changed is None else changed})


def with_run(recording: Recording, label: str, **facts: Any) -> Recording:
    """Return ``recording`` with other facts of one run."""
    runs = recording.facts["runs"]
    return replace(recording, facts={**recording.facts, "runs": {**runs, label: {**runs[label], **facts}}})
