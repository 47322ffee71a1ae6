from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stepcheck_reference.dataclass_codec import decode, encode, json_field


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    points: tuple[Point, ...]
    pair: tuple[str, object]
    start: Point | None = None
    names: tuple[str, ...] = ()
    rates: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    limit: float | str = 1.0
    kind: str = json_field("type", default="open")
    domains: Mapping[str, Point] | None = json_field(omit_default=True, default=None)
    rows: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    flags: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    values: set[int]


def test_an_encoded_value_round_trips_through_json() -> None:
    path = Path(
        (Point(0.5, "a"), Point(-1.0)),
        ("lr", True),
        Point(2.0),
        ("m", "v"),
        {"fused": {"fused": True}},
        "lr",
        "closed",
        {"lr": Point(0.0)},
    )
    assert decode(Path, json.loads(json.dumps(encode(path)))) == path


def test_a_field_is_written_under_its_key_and_left_out_where_it_has_a_default_to_omit() -> None:
    raw = encode(Path((), ("a", 1)))
    assert raw["type"] == "open"
    assert "kind" not in raw
    assert "domains" not in raw
    assert decode(Path, raw) == Path((), ("a", 1))


def test_fields_that_are_missing_have_their_defaults_and_unknown_keys_are_refused() -> None:
    assert decode(Point, {"x": 1.0}) == Point(1.0)
    with pytest.raises(ValueError, match=r"y=2\.0, but Point has x, label"):
        decode(Point, {"x": 1.0, "y": 2.0})


def test_arrays_are_stored_outside_the_json_and_restored() -> None:
    arrays: list[NDArray[Any]] = []
    rows = {"m": np.arange(3.0), "v": np.ones(2)}
    raw = encode(Path((), ("a", 1), rows=rows, flags=np.array([True, False])), arrays)
    assert raw["rows"] == {"m": 0, "v": 1}
    assert raw["flags"] == 2
    back = decode(Path, json.loads(json.dumps(raw)), arrays)
    assert back.rows["m"] is rows["m"]
    assert back.flags is arrays[2]


def test_a_hint_that_has_no_encoding_is_named() -> None:
    with pytest.raises(TypeError, match=r"hint=set\[int\]"):
        encode(Unknown({1}))
