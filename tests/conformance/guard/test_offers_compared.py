"""What classes offer, compared: every leaf that differs is told, once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.comparison.value_diff import REWORDED, told
from stepcheck.guard.corpus.spec import SURFACE, Asked
from stepcheck_implementations.recorder.recording import Recording

ASKED = Asked("Mine api", SURFACE, "torch.optim.Mine", {"ask": "surface"})
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


def said(change) -> list[str]:
    new: dict[str, Any] = copy.deepcopy(OLD)
    change(new)
    found = compare(ASKED, Recording(OLD, {}), Recording(new, {}))
    assert all(point.api and point.change is Change.CHANGED for point in found.points)
    assert (found.change is Change.IDENTICAL) == (not found.points)
    back = compare(ASKED, Recording(new, {}), Recording(OLD, {}))
    assert bool(back.points) == bool(found.points)
    return [point.what for point in found.points]


def test_what_is_the_same_has_no_points() -> None:
    assert said(lambda new: None) == []


def test_an_argument_that_came_is_told_once_for_all_its_places() -> None:
    def come(new) -> None:
        new["signature"].append({"name": "fused", "kind": "keyword", "default": None})
        for part in ("defaults", "groups"):
            new[part]["fused"] = {"type": "NoneType", "value": None}

    (what,) = said(come)
    assert what.startswith('fused is new, in signature, defaults, groups: {"name": "fused"')


def test_another_default_is_told_in_each_place() -> None:
    def change(new) -> None:
        new["signature"][1]["default"] = 0.2
        new["defaults"]["lr"]["value"] = 0.2

    assert said(change) == [
        "signature.lr.default is 0.2, and was 0.1",
        "defaults.lr.value is 0.2, and was 0.1",
    ]


def test_the_order_of_arguments_is_no_change_but_a_name_is() -> None:
    assert said(lambda new: new["signature"][1].update(name="rate")) == [
        'signature.lr is gone, it was {"name": "lr", "kind": "keyword", "default": 0.1}',
        'signature.rate is new: {"name": "rate", "kind": "keyword", "default": 0.1}',
    ]


def test_names_with_dots_and_commas_are_told_as_they_stand() -> None:
    def change(new) -> None:
        new["errors"]["lr=-1.0"] = "accepted"
        del new["errors"]["betas=(1.0, 0.5)"]

    assert said(change) == [
        "errors.lr=-1.0 is accepted, and was at construction: ValueError: no",
        "errors.betas=(1.0, 0.5) is gone, it was accepted",
    ]


def test_lists_are_compared_entry_by_entry_or_as_a_whole() -> None:
    assert said(lambda new: new["bases"].__setitem__(0, "Adam")) == ["bases[0] is Adam, and was Optimizer"]
    assert said(lambda new: new["bases"].insert(0, "Adam")) == [
        'bases is ["Adam", "Optimizer", "object"], and was ["Optimizer", "object"]'
    ]


def test_more_places_than_are_named_are_counted() -> None:
    def come(new) -> None:
        for part in range(5):
            new.setdefault(f"part{part}", {})["x"] = 1

    base = {f"part{part}": {} for part in range(5)}
    found = compare(ASKED, Recording(base, {}), Recording({name: {"x": 1} for name in base}, {}))
    assert [point.what for point in found.points] == ["x is new, in part0, part1, part2 and 2 more places: 1"]
    assert len(said(come)) == 5


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", None, [1], {"a": 1}])
def test_values_of_other_types_are_other_values(value) -> None:
    found = said(lambda new: new["defaults"]["lr"].update(value=value))
    assert len(found) == 1


def test_a_long_value_is_cut() -> None:
    (what,) = said(lambda new: new["warnings"].update(step="x" * 1000))
    assert len(what) < 250
    assert "…" in what


def test_an_error_of_the_same_kind_and_place_is_told_apart_as_reworded() -> None:
    old = {"errors": {"lr=-1.0": "at construction: ValueError: Invalid lr", "eps": "at the step: TypeError: no"}}
    new = {"errors": {"lr=-1.0": "at construction: ValueError: lr < 0", "eps": "at construction: TypeError: no"}}
    words, place = told(old, new)[::-1]
    assert words.way == REWORDED
    assert words.what == (
        "errors.lr=-1.0 is at construction: ValueError: lr < 0, and was at construction: ValueError: Invalid lr"
    )
    assert place.way == ""
    assert place.api
    assert words.api


def test_what_entries_of_a_state_have_in_common_is_told_once() -> None:
    old = {"state_with": {"momentum=0.5": {"[0].step": "int", "[1].step": "int"}}}
    new = {"state_with": {"momentum=0.5": {"[0].step": "Tensor", "[1].step": "Tensor"}}}
    (point,) = told(old, new)
    assert point.what == "step is Tensor, and was int, in state_with.momentum=0.5[0], state_with.momentum=0.5[1]"
