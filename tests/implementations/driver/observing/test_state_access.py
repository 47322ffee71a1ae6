"""State access: what a subject holds is located, read and changed by its path, and written as Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from stepcheck_implementations.driver.observing.state_access import (
    TensorLocation,
    all_leaves,
    attributes_of_parameter,
    is_replaced,
    read,
    write,
)
from stepcheck_implementations.driver.observing.state_path import last_name, source

ONE, OTHER = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))
LOCATIONS = [TensorLocation(ONE, 0), TensorLocation(OTHER, 1)]
A, B = torch.full((3,), 2.0), torch.full((2,), 3.0)

HELD: list[tuple[dict[str, Any], str]] = [
    ({"m": [A, B]}, "m[#]"),
    ({"m": {ONE: A, OTHER: B}}, "m[p]"),
    ({"m": {id(ONE): A, id(OTHER): B}}, "m[id]"),
    ({"m": {0: A, 1: B}}, "m[#]"),
    ({"states": [[A, A], [B, B]]}, "states[#][0]"),
    ({"states": [[A, B], [A, B]]}, "states[0][#]"),
    ({"states": {"m": [A, B]}}, "states['m'][#]"),
    ({"memory": [{"m": A}, {"m": B}]}, "memory[#]['m']"),
    ({"inside": SimpleNamespace(m=[A, B])}, "inside.m[#]"),
]


@pytest.mark.parametrize(("attributes", "path"), HELD, ids=[path for _, path in HELD])
def test_a_tensor_of_each_parameter_is_located_and_read(attributes: dict[str, Any], path: str) -> None:
    thing = SimpleNamespace(**attributes)
    leaves = all_leaves(thing, LOCATIONS)
    assert path in leaves
    for location, value in zip(LOCATIONS, (A, B), strict=True):
        assert read(thing, path, location) is value
        assert eval(source(path, "thing", "p", location.index), {"thing": thing, "p": location.parameter}) is value


def test_a_value_that_fits_no_parameter_is_no_leaf() -> None:
    thing = SimpleNamespace(params=[ONE, OTHER], big=torch.ones(7), flag=True, name="m", step=len)
    assert all_leaves(thing, LOCATIONS) == {}


def test_a_torch_optimizer_is_read_by_its_own_keys_and_by_attributes() -> None:
    optimizer = torch.optim.Adam([{"params": [ONE]}, {"params": [OTHER], "lr": 0.5}])
    for parameter in (ONE, OTHER):
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    optimizer.extra = [A, B]  # type: ignore[attr-defined]
    optimizer.param_groups[0]["seen"] = optimizer.param_groups[1]["seen"] = 4
    locations = [TensorLocation(ONE, 0, 0), TensorLocation(OTHER, 1, 1)]
    assert set(all_leaves(optimizer, locations)) >= {"exp_avg", "exp_avg_sq", "step", ".extra[#]", "group.seen"}
    assert read(optimizer, "exp_avg", locations[1]) is optimizer.state[OTHER]["exp_avg"]
    assert read(optimizer, "group.seen", locations[1]) == 4
    assert read(optimizer, ".extra[#]", locations[1]) is B
    assert read(optimizer, "nothing", locations[0]) is None
    assert write(optimizer, "lr", 0.25, locations[1]) is None
    assert write(optimizer, "betas[0]", 0.5, locations[0]) is None
    assert (optimizer.param_groups[1]["lr"], optimizer.param_groups[0]["betas"]) == (0.25, (0.5, 0.999))
    assert write(optimizer, "pace", 1.0, locations[0]) == (
        "no 'pace' to set after construction; there is " + ", ".join(optimizer.param_groups[0])
    )
    names = {"optimizer": optimizer, "p": OTHER, "group": optimizer.param_groups[1]}
    for path in ("exp_avg", "group.seen", ".extra[#]"):
        assert eval(source(path, "optimizer", "p", 1, group="group", table=True), names) is read(
            optimizer, path, locations[1]
        )


def test_a_number_is_changed_in_place() -> None:
    thing = SimpleNamespace(lr=0.1, inside={"lr": 0.1}, rates=(0.1, 0.2), boxed=torch.tensor(0.1))
    for path in ("lr", "inside['lr']", "rates[1]", "boxed"):
        assert write(thing, path, 0.5, LOCATIONS[0]) is None
    assert (thing.lr, thing.inside, thing.rates, float(thing.boxed)) == (0.5, {"lr": 0.5}, (0.1, 0.5), 0.5)
    assert "cannot be set" in str(write(thing, "rates[7]", 0.5, LOCATIONS[0]))


def test_a_parameter_that_is_put_aside_for_another_tensor_is_noticed() -> None:
    thing = SimpleNamespace(theta=ONE, params=[ONE, OTHER], last=A)
    assert list(attributes_of_parameter(thing, LOCATIONS[0])) == ["theta", "params[#]"]
    assert not any(is_replaced(thing, name, LOCATIONS[0]) for name in ("theta", "params[#]"))
    thing.theta, thing.params = A, [A, OTHER]
    assert all(is_replaced(thing, name, LOCATIONS[0]) for name in ("theta", "params[#]"))


def test_a_path_is_named_by_its_end() -> None:
    paths = ("m", "m[#]", ".m[id]", "states['m'][#]", "inside.m", "states[0]")
    assert [last_name(path) for path in paths] == ["m"] * 5 + [""]
