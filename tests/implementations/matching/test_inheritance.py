"""Inheritance: a subclass has its base's arithmetic as long as it computes nothing by itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from stepcheck_implementations.matching.classes.inheritance import inherited_adapter, inherited_class


class Plain(torch.optim.AdamW):
    """Overrides nothing."""


class Logs(torch.optim.SGD):
    """Counts its calls."""

    calls = 0

    def step(self, closure: Any = None) -> Any:
        self.calls += 1
        return super().step(closure)


class Steps(torch.optim.SGD):
    """Has a step of its own."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                p.data.sub_(p.grad, alpha=group["lr"])


class StartsElsewhere(torch.optim.Adam):
    """Has states of its own."""

    def _init_group(self, *positional: Any) -> Any:
        return False


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (Plain, "torch.optim.AdamW"),
        (Logs, "torch.optim.SGD"),
        (Steps, ""),
        (StartsElsewhere, ""),
        (torch.optim.SGD, ""),
    ],
)
def test_a_subclass_inherits_unless_it_computes(kind: type, base: str) -> None:
    assert inherited_class(kind) == base


def test_torch_s_wrapper_of_a_step_is_no_override() -> None:
    Plain([torch.nn.Parameter(torch.ones(2))])
    assert inherited_class(Plain) == "torch.optim.AdamW"


def test_modes_and_configurations_are_those_that_the_constructor_takes() -> None:
    taken = ("lr", "betas", "eps", "weight_decay", "amsgrad")
    adapter = inherited_adapter("mine:Plain", "torch.optim.AdamW", taken)
    assert adapter is not None
    assert (adapter.target, adapter.inherits) == ("mine:Plain", "torch.optim.AdamW")
    assert "single" in adapter.modes
    assert "fused" not in adapter.modes
    assert [entry.name for entry in adapter.configurations] == ["default", "amsgrad"]
    assert inherited_adapter("mine:Plain", "torch.optim.AdamW", ("lr",)) is None
