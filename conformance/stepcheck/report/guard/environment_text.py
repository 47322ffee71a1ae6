"""Environments, machines and recordings in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, KINDS, SCHEDULE, STEPS
from stepcheck.report.wording import plural, wrap

_NOUNS = {STEPS: "step run", CHECKPOINT: "checkpoint", SCHEDULE: "schedule", API: "API"}
_MACHINE = {"platform": "their system", "capability": "their vector instructions", "device_names": "their devices"}
"""Entries of an environment that belong to the machine, in words."""


def environment_line(environment: Mapping[str, Any]) -> str:
    """Return an environment in a line."""
    devices = ", ".join(f"{device} {name}" for device, name in environment["device_names"].items())
    versions = ", ".join(f"{package} {environment[package]}" for package in ("torch", "python", "numpy"))
    return f"{versions}, {devices} {environment['capability']}"


def machine_warning(result: CheckResult) -> str:
    """Return a warning where numbers differ and the check ran on another machine; "" otherwise."""
    other = [name for key, name in _MACHINE.items() if _significant(result.old[key]) != _significant(result.new[key])]
    if not other or not any(entry.differing for entry in result.differences):
        return ""
    return "\n".join(
        wrap(
            f"the machines differ in {' and '.join(other)}: changes within rounding may come from that rather than "
            "from torch"
        )
    )


def _significant(entry: Any) -> Any:
    """Return the part of an entry that matters: of a platform its system and libc, not the kernel's release."""
    if not isinstance(entry, str) or "-" not in entry:
        return entry
    return entry.partition("-")[0], entry.partition("-with-")[2]


def cell_counts(baseline: Baseline) -> str:
    """Return how many cells of each kind a baseline has; those that this torch refuses are counted apart."""
    refused = {name for name in baseline.cells if "absent" in baseline.recording(name).facts}
    counts = Counter(stored.kind for name, stored in baseline.cells.items() if name not in refused)
    counted = ", ".join(plural(counts[kind], _NOUNS[kind]) for kind in KINDS if counts[kind])
    return f"{counted}; {len(refused)} refused by this torch" if refused else counted
