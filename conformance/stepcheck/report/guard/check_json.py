"""What a guard's check found, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stepcheck.guard.comparison.check_result import Checked, fails
from stepcheck.guard.comparison.difference import Change, Difference, Point


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


def read(text: str) -> Checked:
    """Return what ``text`` tells of a check; cells that are identical have no more than their names."""
    told = json.loads(text)
    differences = [_difference(found) for found in told["cells"]]
    differences += [Difference(name, "", "", Change.IDENTICAL) for name in told["identical"]]
    return Checked(told["recorded"], told["checked"], tuple(differences), tuple(told["unchecked"]))


def _difference(found: dict[str, Any]) -> Difference:
    fields = {name: value for name, value in found.items() if name != "fails"}
    points = tuple(
        Point(
            **{
                **point,
                "change": Change(point["change"]),
                "ulps": float(point["ulps"]),
                "radii": float(point["radii"]),
            }
        )
        for point in found["points"]
    )
    return Difference(**{**fields, "change": Change(found["change"]), "points": points})
