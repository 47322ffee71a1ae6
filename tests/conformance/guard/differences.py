"""Differences of invented cells, for tests of groups and reports."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.corpus.cell_spec import SCHEDULE, STEPS

OLD = {
    "torch": "2.6.0",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "platform": "Linux-x86_64",
    "capability": "AVX512",
    "devices": ["cpu"],
    "device_names": {"cpu": "x86_64"},
}


NEW = {**OLD, "torch": "2.13.0"}


OUT = Point(Change.CHANGED, "bulk: theta of p0[1] is 2.0, was 1.0: leaves the envelope", "leaves the envelope",
            law="SC101", ulps=8388608.0, radii=1.5e6)  # fmt: skip


IN = Point(Change.ROUNDING, "bulk: theta of p0[1] is 2.0, was 1.0", "changed within the envelope", law="SC101",
           ulps=1.0, radii=0.75)  # fmt: skip


SAYS = Point(Change.CHANGED, "new warning: UserWarning: soon", api=True)


UNKNOWN = Point(
    Change.CHANGED, "ordinary: changed, without a rule", "changed, without a rule", ulps=math.inf, radii=math.nan
)


def cell(name: str, points: Sequence[Point] = (), kind: str = STEPS, accepted: str = "") -> Difference:
    module = "torch.optim.lr_scheduler" if kind == SCHEDULE else "torch.optim"
    plain = difference(name, kind, f"{module}.{re.split(r'[ [,]', name)[0]}", points, 1000, len(points))
    return Difference(
        plain.cell,
        plain.kind,
        plain.target,
        plain.change,
        plain.points,
        plain.compared,
        plain.differing,
        accepted=accepted,
    )


def checked(*cells: Difference) -> CheckResult:
    return CheckResult(OLD, NEW, cells)
