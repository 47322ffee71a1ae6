"""What a subject does wrong is its trajectory's fault, with a kind, a step and a message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from implementations.short_scripts import cell, misbehaving, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.driver import execution
from stepcheck_reference.scripts.script import Group, Literal, Step


@pytest.mark.parametrize(
    ("name", "kind", "step", "says"),
    [
        ("RaisesInStepThree", "raised", 3, "RuntimeError: no third step"),
        ("RaisesSystemExit", "raised", 1, "SystemExit: enough"),
        ("CannotBeBuilt", "raised", 0, "TypeError: not today"),
        ("ReplacesParameter", "malformed", 2, "no longer the parameter"),
        ("Reshapes", "malformed", 2, "shape of tensor 0=(1, 3), but should be (3,)"),
        ("WrongStateShape", "malformed", 1, "state 'momentum_buffer' of tensor 0 has shape (7,)"),
        ("WidensItsParameter", "malformed", 2, "dtype of tensor 0=torch.float64, but should be torch.float32"),
        ("MakesItsParameterSparse", "malformed", 2, "tensor 0 is torch.sparse_coo on cpu, but should be torch.strided"),
        ("DropsItsParameters", "malformed", 2, "no longer the parameter"),
        ("HoldsWords", "malformed", 1, "state 'momentum_buffer' of tensor 0 is a str, which is no number"),
        ("RaisesWhatCannotBePrinted", "raised", 1, "Quiet: (its message cannot be printed)"),
        ("Exits", "raised", 2, "SystemExit: 3"),
    ],
)
def test_what_a_subject_breaks_is_its_trajectorys_fault(name: str, kind: str, step: int, says: str) -> None:
    adapter = misbehaving(name)
    trajectory = execution.run(adapter, cell(adapter), script_of({"lr": 0.1}, shapes=((3,),)))
    assert trajectory.fault is not None
    assert (trajectory.fault.kind, trajectory.fault.step) == (kind, step)
    assert says in trajectory.fault.message
    assert trajectory.steps == max(0, step - 1)
    assert trajectory.traces[0].theta.shape == trajectory.traces[0].before.shape == (trajectory.steps, 3)
    assert trajectory.traces[0].states["b"].shape == (trajectory.steps + 1, 3)


@pytest.mark.parametrize(
    ("name", "wrote"), [("WritesIntoTheGradient", (0, 1)), ("WritesIntoTheGradientFirst", (0, 1)), ("Floods", ())]
)
def test_a_gradient_that_is_written_into_is_noted_and_the_step_is_judged_by_what_was_given(
    name: str, wrote: tuple[int, ...]
) -> None:
    adapter = misbehaving(name)
    script = script_of({"lr": 0.5})
    trajectory = execution.run(adapter, cell(adapter), script)
    assert trajectory.modified_gradients == wrote
    plain = execution.run(misbehaving("RaisesInStepThree"), cell(adapter), script.until(2))
    for trace, other in zip(trajectory.traces, plain.traces, strict=True):
        np.testing.assert_array_equal(trace.theta[:2], other.theta)


def test_a_gradient_that_is_not_a_number_is_no_gradient_written_into() -> None:
    script = script_of({"lr": 0.5}, shapes=((3,),), steps=1)
    script = replace(script, steps=(Step((Literal((float("nan"), 1.0, float("inf"))),)),))
    assert execution.run(misbehaving("Floods"), cell(misbehaving("Floods")), script).modified_gradients == ()


def test_an_object_that_assigns_another_tensor_to_its_parameter_is_malformed() -> None:
    adapter = replace(misbehaving("Rebinds"), takes="tensor", states={})
    fault = execution.run(adapter, cell(adapter), script_of({"lr": 0.1})).fault
    assert fault is not None
    assert (fault.kind, fault.step) == ("malformed", 1)
    assert "its attribute theta is another tensor now" in fault.message


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_memory_beside_a_sliced_tensor_is_what_it_was_given_whatever_its_data_is_now(shape: tuple[int, ...]) -> None:
    script = script_of({"lr": 0.1}, shapes=(shape,), layout="sliced")
    for name, says in (
        ("WritesOutsideItsTensor", "memory between the elements of sliced tensor 0 was written"),
        ("ReplacesDataAndWritesAround", "memory between the elements of sliced tensor 0 was written"),
        ("FreesItsParameter", "the memory that sliced tensor 0 was given has been freed"),
    ):
        adapter = misbehaving(name)
        fault = execution.run(adapter, cell(adapter), script).fault
        assert fault is not None
        assert fault.message == says
    adapter = misbehaving("ReplacesData")
    assert execution.run(adapter, cell(adapter), script).fault is None


def test_a_hyper_parameter_the_subject_does_not_keep_cannot_be_set() -> None:
    script = script_of({"lr": 0.1}, shapes=((3,),), steps=2)
    script = replace(script, steps=(script.steps[0], replace(script.steps[1], hyper=((0, "lr", 0.2),))))
    adapter = replace(misbehaving("OverAList"), takes="list", hyper={"lr": "lr", "momentum": "mu"})
    with_momentum = replace(script, groups=(Group((0,), {"lr": 0.1, "momentum": 0.5}),))
    assert execution.run(adapter, cell(adapter), with_momentum).fault is None
    with_decay = replace(script.steps[1], hyper=((0, "wd", 0.2),))
    adapter = replace(adapter, hyper={**adapter.hyper, "wd": "decay"})
    fault = execution.run(adapter, cell(adapter), replace(with_momentum, steps=(script.steps[0], with_decay))).fault
    assert fault is not None
    assert fault.kind == "malformed"
    assert "'decay'" in fault.message


def test_a_script_that_does_not_fit_is_an_error_not_a_fault() -> None:
    with pytest.raises(ValueError, match=r"rho=0.5, but torch.optim.Adam takes lr, beta1"):
        execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of({"rho": 0.5}))
    with pytest.raises(ValueError, match=r"mode='capturable', but torch.optim.SGD has single"):
        execution.run(torch_optim.SGD, cell(torch_optim.SGD, "plain", "capturable"), script_of({"lr": 0.5}))
    with pytest.raises(ValueError, match=r"configuration='nope', but torch.optim.Adam has default, amsgrad"):
        execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, "nope"), script_of({"lr": 0.5}))
