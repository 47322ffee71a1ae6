"""What a subject holds: found wherever it is, read and changed by its path, written as Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from stepcheck_implementations.driver.state_access import TensorLocation, everything, kept, read, replaced, write
from stepcheck_implementations.driver.state_path import source, tail

ONE, OTHER = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))
WHERES = [TensorLocation(ONE, 0), TensorLocation(OTHER, 1)]
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
def test_a_tensor_of_each_parameter_is_found_and_read(attributes: dict[str, Any], path: str) -> None:
    thing = SimpleNamespace(**attributes)
    found = everything(thing, WHERES)
    assert path in found
    for where, value in zip(WHERES, (A, B), strict=True):
        assert read(thing, path, where) is value
        assert eval(source(path, "thing", "p", where.place), {"thing": thing, "p": where.parameter}) is value


def test_what_fits_no_parameter_is_not_found() -> None:
    thing = SimpleNamespace(params=[ONE, OTHER], big=torch.ones(7), flag=True, name="m", step=len)
    assert everything(thing, WHERES) == {}


def test_a_torch_optimizer_is_read_by_its_own_keys_and_beside_them() -> None:
    optimizer = torch.optim.Adam([{"params": [ONE]}, {"params": [OTHER], "lr": 0.5}])
    for parameter in (ONE, OTHER):
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    optimizer.beside = [A, B]  # type: ignore[attr-defined]
    optimizer.param_groups[0]["seen"] = optimizer.param_groups[1]["seen"] = 4
    wheres = [TensorLocation(ONE, 0, 0), TensorLocation(OTHER, 1, 1)]
    assert set(everything(optimizer, wheres)) >= {"exp_avg", "exp_avg_sq", "step", ".beside[#]", "group.seen"}
    assert read(optimizer, "exp_avg", wheres[1]) is optimizer.state[OTHER]["exp_avg"]
    assert read(optimizer, "group.seen", wheres[1]) == 4
    assert read(optimizer, ".beside[#]", wheres[1]) is B
    assert read(optimizer, "nothing", wheres[0]) is None
    assert write(optimizer, "lr", 0.25, wheres[1]) is None
    assert write(optimizer, "betas[0]", 0.5, wheres[0]) is None
    assert (optimizer.param_groups[1]["lr"], optimizer.param_groups[0]["betas"]) == (0.25, (0.5, 0.999))
    assert write(optimizer, "pace", 1.0, wheres[0]) == (
        "no 'pace' to set after construction; there is " + ", ".join(optimizer.param_groups[0])
    )
    names = {"optimizer": optimizer, "p": OTHER, "group": optimizer.param_groups[1]}
    for path in ("exp_avg", "group.seen", ".beside[#]"):
        assert eval(source(path, "optimizer", "p", 1, group="group", table=True), names) is read(
            optimizer, path, wheres[1]
        )


def test_a_number_is_changed_where_it_stands() -> None:
    thing = SimpleNamespace(lr=0.1, inside={"lr": 0.1}, rates=(0.1, 0.2), held=torch.tensor(0.1))
    for path in ("lr", "inside['lr']", "rates[1]", "held"):
        assert write(thing, path, 0.5, WHERES[0]) is None
    assert (thing.lr, thing.inside, thing.rates, float(thing.held)) == (0.5, {"lr": 0.5}, (0.1, 0.5), 0.5)
    assert "cannot be set" in str(write(thing, "rates[7]", 0.5, WHERES[0]))


def test_a_parameter_that_is_put_aside_for_another_tensor_is_noticed() -> None:
    thing = SimpleNamespace(theta=ONE, params=[ONE, OTHER], last=A)
    assert list(kept(thing, WHERES[0])) == ["theta", "params[#]"]
    assert not any(replaced(thing, name, WHERES[0]) for name in ("theta", "params[#]"))
    thing.theta, thing.params = A, [A, OTHER]
    assert all(replaced(thing, name, WHERES[0]) for name in ("theta", "params[#]"))


def test_a_path_is_named_by_its_end() -> None:
    assert [tail(path) for path in ("m", "m[#]", ".m[id]", "states['m'][#]", "inside.m", "states[0]")] == ["m"] * 5 + [
        ""
    ]
