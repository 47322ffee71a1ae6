"""What a guard's check found, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stepcheck.guard.check import Checked, fails
from stepcheck.guard.difference import Change, Difference


def text(checked: Checked, policies: Sequence[str]) -> str:
    """Return everything, cells that are identical as their names alone."""
    return json.dumps(plain(checked, policies), indent=1, allow_nan=False)


def plain(checked: Checked, policies: Sequence[str]) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {
        "recorded": dict(checked.old),
        "checked": dict(checked.new),
        "fail_on": list(policies),
        "exit_code": checked.exit_code(policies),
        "cells": [
            {**cell(entry), "fails": any(fails(entry, policy) for policy in policies)}
            for entry in checked.differences
            if entry.change is not Change.IDENTICAL
        ],
        "unchecked": list(checked.unchecked),
        "identical": [entry.cell for entry in checked.differences if entry.change is Change.IDENTICAL],
    }


def cell(entry: Difference) -> dict[str, Any]:
    """Return one cell; numbers that are not finite are "nan" and "inf"."""
    found = asdict(entry)
    for point in found["points"]:
        for name in ("ulps", "radii"):
            point[name] = point[name] if math.isfinite(point[name]) else str(point[name])
    return found
