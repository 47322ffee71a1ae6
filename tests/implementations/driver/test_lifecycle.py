"""What happens between steps, and what a step leaves alone, as the driver does it and notes it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from implementations.short_scripts import cell, script_of
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import execution
from stepcheck_implementations.driver.observing import process_state
from stepcheck_reference.scripts.script import ASIDE, Group, Script, Step
from stepcheck_reference.scripts.trajectory import GRADIENT_CHANGES, OFFERS, Trajectory

PLAIN = Adapter("third-party", "sgd", {"lr": "lr"}, {}, {"single": {}}, count=None)


class Sgd(torch.optim.Optimizer):
    """SGD that notes what it is called with."""

    seen: list[Any]

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        self.seen.append(("built", type(params).__name__))
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.seen.append((threading.current_thread() is threading.main_thread(), getattr(self, "grad_scale", None)))
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, group["lr"])

    def update(self, p: Any, lr: float) -> None:
        p -= lr * p.grad


def done(script: Script, kind: type[Sgd] = Sgd) -> tuple[Trajectory, list[Any]]:
    """Return what came of ``script``, and what a class of its own has seen."""
    own = type("Own", (kind,), {"seen": []})
    return execution.run(PLAIN, cell(PLAIN), script, subject=own), own.seen


def plain(*kinds: str, **changes: Any) -> Script:
    """Return three steps of two tensors; the second step has ``changes``."""
    script = script_of({"lr": 0.5}, steps=3)
    steps = (script.steps[0], replace(script.steps[1], **changes), script.steps[2])
    return replace(script, steps=steps, invocation=kinds)


def test_a_group_is_added_with_what_differs_from_the_construction_and_not_before_its_step() -> None:
    added: list[set[str]] = []

    class Adding(Sgd):
        def add_param_group(self, param_group: dict[str, Any]) -> None:
            added.append(set(param_group))
            super().add_param_group(param_group)

    script = script_of({"lr": 0.5}, steps=3)
    first, second, third = script.steps
    groups = (Group((0,), {"lr": 0.5}), Group((1,), {"lr": 0.25}))
    steps = (replace(first, gradients=(first.gradients[0], None)), replace(second, adds_groups=(1,)), third)
    script = replace(script, groups=groups, steps=steps)
    assert script.since == (0, 2)
    trajectory, _ = done(script, Adding)
    assert trajectory.fault is None
    assert added == [{"params", "lr"}, {"params", "lr"}]
    added.clear()
    done(replace(script, groups=(groups[0], Group((1,), {"lr": 0.5}))), Adding)
    assert added == [{"params", "lr"}, {"params"}]
    whole, _ = done(replace(script, steps=tuple(replace(step, adds_groups=()) for step in steps)))
    for one, other in zip(trajectory.traces, whole.traces, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)


def test_groups_are_there_before_later_ones_and_the_first_always() -> None:
    gradients = (None, None)
    script = plain()
    groups = (Group((0,), {"lr": 0.5}), Group((1,), {"lr": 0.5}))
    steps = (Step(gradients), Step(gradients, adds_groups=(0,)), Step(gradients, adds_groups=(1,)))
    assert replace(script, groups=groups, steps=steps).since == (0, 3)
    with pytest.raises(ValueError, match="tensor 1 has a gradient at step 1, but is added before step 2"):
        replace(script, groups=groups, steps=(script.steps[0], Step(gradients, adds_groups=(1,))))


def test_scaled_gradients_are_scaled_for_an_optimizer_that_unscales_them_alone() -> None:
    class Unscales(Sgd):
        _step_supports_amp_scaling = True

        def update(self, p: Any, lr: float) -> None:
            scale = getattr(self, "grad_scale", None)
            p -= lr * (p.grad if scale is None else p.grad / scale)

    usual, _ = done(plain())
    for kind, scales in ((Sgd, [None, None, None]), (Unscales, [None, 8.0, None])):
        trajectory, seen = done(plain(grad_scale=8.0), kind)
        assert [None if scale is None else float(scale) for _, scale in seen[1:]] == scales
        assert trajectory.modified_gradients == ()
        np.testing.assert_array_equal(trajectory.traces[0].theta, usual.traces[0].theta)


def test_every_second_step_is_called_in_another_thread() -> None:
    _, seen = done(plain("other_thread"))
    assert [here for here, _ in seen[1:]] == [True, False, True]


def test_another_optimizer_of_the_class_takes_two_steps_first_and_then_one_each() -> None:
    trajectory, seen = done(plain("two_optimizers"))
    assert len(seen) == 2 + (2 + 1) + (1 + 1) + (1 + 1)
    np.testing.assert_array_equal(trajectory.traces[0].theta, done(plain())[0].traces[0].theta)


@pytest.mark.parametrize(
    ("form", "kind"), [("parameter_list", "list"), ("parameter_tuple", "tuple"), ("parameter_generator", "generator")]
)
def test_parameters_are_given_in_the_form_that_the_script_names(form: str, kind: str) -> None:
    _, seen = done(plain(form))
    assert seen[0] == ("built", kind)


@pytest.mark.parametrize("change", GRADIENT_CHANGES)
def test_each_thing_that_a_step_does_to_a_gradient_has_a_name(change: str) -> None:
    class Changes(Sgd):
        def update(self, p: Any, lr: float) -> None:
            super().update(p, lr)
            if change == "set to None":
                p.grad = None
            elif change == "replaced by another tensor":
                p.grad = p.grad.clone()
            else:
                p.grad.mul_(0.0 if change == "set to zero" else 2.0)

    trajectory, _ = done(plain(), Changes)
    assert trajectory.modified_gradients == (0, 1)
    assert trajectory.gradient_changes == (change, change)


def test_a_zero_grad_that_leaves_a_gradient_is_malformed_and_one_that_is_missing_is_not() -> None:
    class Leaves(Sgd):
        def zero_grad(self, set_to_none: bool = True) -> None:
            self.param_groups[0]["params"][0].grad = None

    class Lacks(Sgd):
        zero_grad = None  # type: ignore[assignment]

    trajectory, _ = done(plain(zero_grad="plain"), Leaves)
    assert trajectory.fault is not None
    assert (trajectory.fault.kind, trajectory.fault.step) == ("malformed", 2)
    assert trajectory.fault.message.startswith("zero_grad() left p1.grad=a tensor that begins with")
    assert "zero_grad" not in done(plain(), Lacks)[0].offers
    assert done(plain(zero_grad="plain"), Lacks)[0].fault is None


def test_a_state_dict_that_loading_changes_is_malformed() -> None:
    class Takes(Sgd):
        def load_state_dict(self, state_dict: Any) -> None:
            super().load_state_dict(state_dict)
            state_dict["param_groups"].clear()

    fault = done(plain(reload="loaded_twice"), Takes)[0].fault
    assert fault is not None
    assert (fault.kind, fault.step) == ("malformed", 2)
    assert "load_state_dict modified the state dict that it was given" in fault.message


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("torch's random numbers", lambda: torch.rand(1)),
        ("torch's random numbers", lambda: torch.manual_seed(0)),
        ("numpy's random numbers", lambda: np.random.rand()),
        ("torch's gradient mode", lambda: torch.set_grad_enabled(False)),
        ("torch's default dtype", lambda: torch.set_default_dtype(torch.float64)),
    ],
)
def test_what_a_step_changes_of_its_process_is_noted_and_restored(name: str, change: Any) -> None:
    class Disturbs(Sgd):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            super().step()
            change()

    before = process_state.process_state()
    assert done(plain())[0].disturbed == ()
    assert name in done(plain(), Disturbs)[0].disturbed
    assert process_state.disturbed(before) == ()


@pytest.mark.parametrize("how", ASIDE)
def test_a_copy_whose_steps_take_a_closure_gets_one(how: str) -> None:
    class NeedsClosure(Sgd):
        def step(self, closure: Any) -> None:  # type: ignore[override]
            closure()
            super().step()

    assert done(plain(), NeedsClosure)[0].fault is not None
    assert done(plain("closure", reload=how), NeedsClosure)[0].fault is None


def test_what_an_optimizer_offers_is_noted() -> None:
    assert done(plain())[0].offers == OFFERS[:-1]
