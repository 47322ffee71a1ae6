"""The result of a check as JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stepcheck.guard.comparison.check_result import CheckResult, fails
from stepcheck.guard.comparison.difference import Change, Difference, Point

_CELL_KEYS = {"compared": "reals", "differing": "moved"}
_POINT_KEYS = {"message": "what", "summary": "way"}
"""Fields whose key in JSON is another word."""
_FIELDS = {key: name for name, key in (_CELL_KEYS | _POINT_KEYS).items()}


def render(result: CheckResult, policies: Sequence[str]) -> str:
    """Return everything; cells that are identical are listed by name."""
    return json.dumps(to_json(result, policies), indent=1, allow_nan=False)


def to_json(result: CheckResult, policies: Sequence[str]) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {
        "recorded": dict(result.old),
        "checked": dict(result.new),
        "fail_on": list(policies),
        "exit_code": result.exit_code(policies),
        "cells": [
            {**cell_to_json(entry), "fails": any(fails(entry, policy) for policy in policies)}
            for entry in result.differences
            if entry.change is not Change.IDENTICAL
        ],
        "unchecked": list(result.unchecked),
        "identical": [entry.cell for entry in result.differences if entry.change is Change.IDENTICAL],
    }


def cell_to_json(entry: Difference) -> dict[str, Any]:
    """Return one cell; numbers that are not finite are "nan" and "inf"."""
    values = {_CELL_KEYS.get(name, name): value for name, value in asdict(entry).items()}
    points = [{_POINT_KEYS.get(name, name): value for name, value in point.items()} for point in values["points"]]
    for point in points:
        for name in ("ulps", "radii"):
            point[name] = point[name] if math.isfinite(point[name]) else str(point[name])
    return {**values, "points": points}


def read(text: str) -> CheckResult:
    """Return the result that ``render`` wrote; identical cells have nothing but their names."""
    raw = json.loads(text)
    differences = [_difference(entry) for entry in raw["cells"]]
    differences += [Difference(name, "", "", Change.IDENTICAL) for name in raw["identical"]]
    return CheckResult(raw["recorded"], raw["checked"], tuple(differences), tuple(raw["unchecked"]))


def _difference(raw: dict[str, Any]) -> Difference:
    values = {_FIELDS.get(key, key): value for key, value in raw.items() if key != "fails"}
    points = tuple(_point(point) for point in values["points"])
    return Difference(**{**values, "change": Change(values["change"]), "points": points})


def _point(raw: dict[str, Any]) -> Point:
    values = {_FIELDS.get(key, key): value for key, value in raw.items()}
    numbers = {"ulps": float(values["ulps"]), "radii": float(values["radii"])}
    return Point(**{**values, "change": Change(values["change"]), **numbers})
