"""JSON values compared: every leaf that differs is reported once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.comparison.value_diff import REWORDED, value_diff
from stepcheck.guard.corpus.cell_spec import API, CellSpec
from stepcheck_implementations.recorder.recording import Recording

SPEC = CellSpec("Mine api", API, "torch.optim.Mine", {"ask": "surface"})
OLD = {
    "signature": [
        {"name": "params", "kind": "positional_or_keyword"},
        {"name": "lr", "kind": "keyword", "default": 0.1},
    ],
    "defaults": {"lr": {"type": "float", "value": 0.1}},
    "groups": {"lr": {"type": "float", "value": 0.1}},
    "errors": {"lr=-1.0": "at construction: ValueError: no", "betas=(1.0, 0.5)": "accepted"},
    "bases": ["Optimizer", "object"],
    "warnings": {"step": {}},
}


def messages(change) -> list[str]:
    new: dict[str, Any] = copy.deepcopy(OLD)
    change(new)
    result = compare(SPEC, Recording(OLD, {}), Recording(new, {}))
    assert all(point.api and point.change is Change.CHANGED for point in result.points)
    assert (result.change is Change.IDENTICAL) == (not result.points)
    back = compare(SPEC, Recording(new, {}), Recording(OLD, {}))
    assert bool(back.points) == bool(result.points)
    return [point.message for point in result.points]


def test_equal_values_have_no_points() -> None:
    assert messages(lambda new: None) == []


def test_a_new_argument_is_one_point_for_all_its_places() -> None:
    def come(new) -> None:
        new["signature"].append({"name": "fused", "kind": "keyword", "default": None})
        for part in ("defaults", "groups"):
            new[part]["fused"] = {"type": "NoneType", "value": None}

    (what,) = messages(come)
    assert what.startswith('fused is new, in signature, defaults, groups: {"name": "fused"')


def test_another_default_is_reported_in_each_place() -> None:
    def change(new) -> None:
        new["signature"][1]["default"] = 0.2
        new["defaults"]["lr"]["value"] = 0.2

    assert messages(change) == [
        "signature.lr.default is 0.2, was 0.1",
        "defaults.lr.value is 0.2, was 0.1",
    ]


def test_the_order_of_arguments_is_no_change_but_a_name_is() -> None:
    assert messages(lambda new: new["signature"][1].update(name="rate")) == [
        'signature.lr is gone, was {"name": "lr", "kind": "keyword", "default": 0.1}',
        'signature.rate is new: {"name": "rate", "kind": "keyword", "default": 0.1}',
    ]


def test_names_with_dots_and_commas_are_shown_literally() -> None:
    def change(new) -> None:
        new["errors"]["lr=-1.0"] = "accepted"
        del new["errors"]["betas=(1.0, 0.5)"]

    assert messages(change) == [
        "errors.lr=-1.0 is accepted, was at construction: ValueError: no",
        "errors.betas=(1.0, 0.5) is gone, was accepted",
    ]


def test_lists_are_compared_entry_by_entry_or_as_a_whole() -> None:
    assert messages(lambda new: new["bases"].__setitem__(0, "Adam")) == ["bases[0] is Adam, was Optimizer"]
    assert messages(lambda new: new["bases"].insert(0, "Adam")) == [
        'bases is ["Adam", "Optimizer", "object"], was ["Optimizer", "object"]'
    ]


def test_more_places_than_are_named_are_counted() -> None:
    def come(new) -> None:
        for part in range(5):
            new.setdefault(f"part{part}", {})["x"] = 1

    base = {f"part{part}": {} for part in range(5)}
    result = compare(SPEC, Recording(base, {}), Recording({name: {"x": 1} for name in base}, {}))
    assert [point.message for point in result.points] == ["x is new, in part0, part1, part2 and 2 more places: 1"]
    assert len(messages(come)) == 5


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", None, [1], {"a": 1}])
def test_values_of_other_types_are_other_values(value) -> None:
    result = messages(lambda new: new["defaults"]["lr"].update(value=value))
    assert len(result) == 1


def test_a_long_value_is_cut() -> None:
    (what,) = messages(lambda new: new["warnings"].update(step="x" * 1000))
    assert len(what) < 250
    assert "…" in what


def test_an_error_of_the_same_type_and_place_is_reworded() -> None:
    old = {"errors": {"lr=-1.0": "at construction: ValueError: Invalid lr", "eps": "at the step: TypeError: no"}}
    new = {"errors": {"lr=-1.0": "at construction: ValueError: lr < 0", "eps": "at construction: TypeError: no"}}
    words, path = value_diff(old, new)[::-1]
    assert words.summary == REWORDED
    assert words.message == (
        "errors.lr=-1.0 is at construction: ValueError: lr < 0, was at construction: ValueError: Invalid lr"
    )
    assert path.summary == ""
    assert path.api
    assert words.api


def test_a_difference_shared_by_entries_of_a_state_is_one_point() -> None:
    old = {"state_with": {"momentum=0.5": {"[0].step": "int", "[1].step": "int"}}}
    new = {"state_with": {"momentum=0.5": {"[0].step": "Tensor", "[1].step": "Tensor"}}}
    (point,) = value_diff(old, new)
    assert point.message == "step is Tensor, was int, in state_with.momentum=0.5[0], state_with.momentum=0.5[1]"
