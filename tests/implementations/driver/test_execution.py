"""The driver does to an optimizer exactly what a training loop does, and observes exactly the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from implementations.short_scripts import ADAM, cell, gradient, hyper_of, misbehaving, script
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import execution, layout, portable
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import LAYOUTS, Drawn, Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trajectory

EVERY = [(adapter, entry.name) for adapter in torch_optim.ALL for entry in adapter.configurations]
PATHS = ("single", "foreach", "fused", "differentiable")
CELLS = [(adapter, name, mode) for adapter, name in EVERY for mode in PATHS if mode in adapter.modes]
PAIRS = {("beta1", "beta2"): "betas", ("eta_minus", "eta_plus"): "etas", ("step_min", "step_max"): "step_sizes"}
RENAMED = {
    ("torch.optim.RMSprop", "beta2"): "alpha",
    ("torch.optim.Adagrad", "initial_accumulator"): "initial_accumulator_value",
}
"""What torch calls a hyper-parameter by another name, written down a second time."""

STATES = {
    "torch.optim.SGD": {"b": "momentum_buffer"},
    "torch.optim.Adam": {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"},
    "torch.optim.AdamW": {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"},
    "torch.optim.Adagrad": {"h": "sum"},
    "torch.optim.RMSprop": {"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer"},
    "torch.optim.Adadelta": {"v": "square_avg", "x": "acc_delta"},
    "torch.optim.Adamax": {"m": "exp_avg", "u": "exp_inf"},
    "torch.optim.NAdam": {"m": "exp_avg", "v": "exp_avg_sq", "mu_product": "mu_product"},
    "torch.optim.RAdam": {"m": "exp_avg", "v": "exp_avg_sq"},
    "torch.optim.ASGD": {"ax": "ax", "eta": "eta", "mu": "mu"},
    "torch.optim.Rprop": {"g_prev": "prev", "step_size": "step_size"},
}


def reals(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.contiguous())
    return tensor.double().reshape(-1).numpy()


def by_hand(adapter: Adapter, configuration: str, mode: str, asked: Script) -> list[list[torch.Tensor]]:
    """Return the parameters after every step of a plain loop over torch's own class; no events, one group."""
    return looped(adapter, configuration, mode, asked)[0]


def looped(
    adapter: Adapter, configuration: str, mode: str, asked: Script
) -> tuple[list[list[torch.Tensor]], list[dict[str, torch.Tensor]]]:
    """Return the same, and each parameter's state at the end."""
    hyper = {**adapter.configuration(configuration).fixed_hyper, **asked.groups[0].hyper}
    for names, argument in PAIRS.items():
        if adapter.hyper.get(names[0], "").startswith(argument):
            hyper[argument] = tuple(hyper.pop(name) for name in names)
    hyper = {RENAMED.get((adapter.target, name), name): value for name, value in hyper.items()}
    options = {**adapter.configuration(configuration).options, **adapter.modes[mode]}
    parameters = [layout.values(t.initial, t).requires_grad_(mode != "differentiable") for t in asked.tensors]
    optimizer = getattr(torch.optim, adapter.target.rpartition(".")[2])(parameters, **hyper, **options)
    rows = []
    for step in asked.steps:
        for parameter, tensor, data in zip(parameters, asked.tensors, step.gradients, strict=True):
            parameter.grad = None if data is None else layout.values(data, tensor)
        optimizer.step()
        rows.append([parameter.detach().clone() for parameter in parameters])
    return rows, [optimizer.state[parameter] for parameter in parameters]


def agrees(found: Trajectory, rows: list[list[torch.Tensor]]) -> None:
    assert found.fault is None
    assert found.steps == len(rows)
    for index, trace in enumerate(found.traces):
        for step, row in enumerate(rows):
            np.testing.assert_array_equal(trace.theta[step].astype(np.float64), reals(row[index]))
            if step:
                np.testing.assert_array_equal(trace.before[step], trace.theta[step - 1])


@pytest.mark.parametrize(("adapter", "configuration", "mode"), CELLS, ids=lambda value: getattr(value, "target", value))
def test_every_configuration_runs_in_every_mode_as_torch_runs_it(
    adapter: Adapter, configuration: str, mode: str
) -> None:
    asked = script(hyper_of(adapter, configuration))
    found = execution.run(adapter, cell(adapter, configuration, mode), asked)
    rows, kept = looped(adapter, configuration, mode, asked)
    agrees(found, rows)
    assert np.any(found.traces[0].theta[-1] != found.traces[0].before[0])
    states = STATES[adapter.target]
    assert dict(adapter.states) == states
    for trace, table in zip(found.traces, kept, strict=True):
        for name, key in states.items():
            assert bool(trace.present[name][-1]) == (table.get(key) is not None)
            if trace.present[name][-1]:
                np.testing.assert_array_equal(trace.states[name][-1].astype(np.float64), reals(table[key]))


@pytest.mark.parametrize("mode", PATHS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_every_dtype_is_represented_exactly(dtype: str, mode: str) -> None:
    asked = script(ADAM, dtype=dtype)
    found = execution.run(torch_optim.ADAMW, cell(torch_optim.ADAMW, "amsgrad", mode, dtype), asked)
    if mode == "fused" and dtype.startswith("complex"):
        assert found.fault is not None
        assert (found.fault.kind, found.fault.step) == ("raised", 1)
        return
    agrees(found, by_hand(torch_optim.ADAMW, "amsgrad", mode, asked))
    wide = dtype in ("float64", "complex128")
    for array in (found.traces[0].theta, *found.traces[0].states.values()):
        assert array.dtype == (np.float64 if wide else np.float32)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (3, 4), (2, 3, 4), (2, 3, 2, 5)])
@pytest.mark.parametrize("wanted", LAYOUTS)
def test_no_layout_changes_what_a_step_does(wanted: str, shape: tuple[int, ...]) -> None:
    asked = script(ADAM, shapes=(shape, (3,)), layout=wanted)
    found = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), asked)
    agrees(found, by_hand(torch_optim.ADAM, "default", "single", asked))


def test_layouts_are_what_they_are_called() -> None:
    plain = torch.arange(120.0).reshape(2, 3, 4, 5)
    placed = {name: layout.place(plain, name, "cpu") for name in LAYOUTS}
    assert all(torch.equal(tensor, plain) for tensor in placed.values())
    assert placed["contiguous"].is_contiguous()
    assert placed["transposed"].stride() == (60, 20, 1, 4)
    assert placed["channels_last"].is_contiguous(memory_format=torch.channels_last)
    assert not placed["sliced"].is_contiguous()
    assert placed["sliced"].storage_offset() == 1
    assert (portable.between_elements(placed["sliced"]) == portable.GUARD).all()
    assert portable.between_elements(placed["sliced"]).numel() == 24 * 6
    assert layout.place_gradient(plain, "sliced", "cpu").is_contiguous()
    assert layout.place_gradient(plain, "transposed", "cpu").stride() == (60, 20, 1, 4)


def test_a_missing_gradient_leaves_the_tensor_and_its_state_alone() -> None:
    asked = script(ADAM, steps=3)
    first, second, third = asked.steps
    asked = replace(asked, steps=(replace(first, gradients=(None, first.gradients[1])), second, third))
    found = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), asked)
    one, other = found.traces
    assert one.count.tolist() == [-1, -1, 1, 2]
    assert other.count.tolist() == [-1, 1, 2, 3]
    assert one.present["m"].tolist() == [False, False, True, True]
    assert not one.states["m"][:2].any()
    np.testing.assert_array_equal(one.theta[0], one.before[0])
    agrees(found, by_hand(torch_optim.ADAM, "default", "single", asked))


def test_a_tensor_without_any_gradient_has_rows_of_absent_state() -> None:
    asked = script(ADAM, steps=2)
    asked = replace(asked, steps=tuple(Step((None, step.gradients[1])) for step in asked.steps))
    trace = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), asked).traces[0]
    assert trace.states["v"].shape == (3, 3)
    assert not trace.present["v"].any()
    assert trace.count.tolist() == [-1, -1, -1]


def test_states_are_read_by_their_alphabet_names() -> None:
    asked = script({**ADAM, "beta1": 0.5, "beta2": 0.75}, steps=1)
    trace = execution.run(torch_optim.ADAMW, cell(torch_optim.ADAMW, "amsgrad"), asked).traces[0]
    g = layout.values(gradient(0, 0), asked.tensors[0]).numpy()
    np.testing.assert_array_equal(trace.states["m"][1], g / 2)
    np.testing.assert_array_equal(trace.states["v"][1], g * g / 4)
    np.testing.assert_array_equal(trace.states["v_max"][1], trace.states["v"][1])


def test_groups_have_hyper_parameters_of_their_own() -> None:
    asked = script(ADAM)
    fast, slow = ADAM, {**ADAM, "lr": 0.5, "beta2": 0.5}
    both = replace(asked, groups=(Group((1,), slow), Group((0,), fast)))
    found = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), both)
    for index, hyper in ((0, fast), (1, slow)):
        alone = by_hand(torch_optim.ADAM, "default", "single", replace(asked, groups=(Group((0, 1), hyper),)))
        np.testing.assert_array_equal(found.traces[index].theta[-1], reals(alone[-1][index]))


def test_hyper_parameters_change_between_steps_as_under_a_scheduler() -> None:
    asked = script(ADAM, steps=3)
    event = ((0, "lr", 0.25), (0, "beta2", 0.5))
    steps = (asked.steps[0], replace(asked.steps[1], hyper=event), asked.steps[2])
    found = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), replace(asked, steps=steps))
    parameters = [layout.values(t.initial, t).requires_grad_() for t in asked.tensors]
    optimizer = torch.optim.Adam(parameters, lr=ADAM["lr"], betas=(0.87, 0.97), eps=1e-6, weight_decay=0.031)
    for number, step in enumerate(asked.steps):
        if number == 1:
            optimizer.param_groups[0].update(lr=0.25, betas=(0.87, 0.5))
        for parameter, tensor, data in zip(parameters, asked.tensors, step.gradients, strict=True):
            assert data is not None
            parameter.grad = layout.values(data, tensor)
        optimizer.step()
    np.testing.assert_array_equal(found.traces[1].theta[-1], reals(parameters[1]))


def test_a_hyper_parameter_the_subject_does_not_keep_cannot_be_set() -> None:
    asked = script({"lr": 0.1}, shapes=((3,),), steps=2)
    asked = replace(asked, steps=(asked.steps[0], replace(asked.steps[1], hyper=((0, "lr", 0.2),))))
    adapter = replace(misbehaving("OverAList"), takes="list", hyper={"lr": "lr", "momentum": "mu"})
    held = replace(asked, groups=(Group((0,), {"lr": 0.1, "momentum": 0.5}),))
    assert execution.run(adapter, cell(adapter), held).fault is None
    lost = replace(asked.steps[1], hyper=((0, "wd", 0.2),))
    adapter = replace(adapter, hyper={**adapter.hyper, "wd": "decay"})
    fault = execution.run(adapter, cell(adapter), replace(held, steps=(asked.steps[0], lost))).fault
    assert fault is not None
    assert fault.kind == "malformed"
    assert "'decay'" in fault.message


def test_parameters_are_overwritten_in_place_just_before_a_step() -> None:
    asked = script(ADAM, steps=3)
    steps = (asked.steps[0], replace(asked.steps[1], overwrite=((0, Literal((0.0,))),)), asked.steps[2])
    trace = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), replace(asked, steps=steps)).traces[0]
    assert trace.theta[0].any()
    assert not trace.before[1].any()
    assert trace.theta[1].all()
    assert trace.count.tolist() == [-1, 1, 2, 3]


@pytest.mark.parametrize(("adapter", "configuration", "mode"), CELLS, ids=lambda value: getattr(value, "target", value))
def test_saving_and_loading_changes_nothing(adapter: Adapter, configuration: str, mode: str) -> None:
    dtype = "float32" if adapter in (torch_optim.NADAM, torch_optim.ASGD) else "bfloat16"  # see loaded_scalars
    asked = script(hyper_of(adapter, configuration), dtype=dtype)
    moved = (replace(asked.steps[0], reload=True), asked.steps[1], *(replace(s, reload=True) for s in asked.steps[2:]))
    where = cell(adapter, configuration, mode, dtype)
    plain, loaded = (execution.run(adapter, where, replace(asked, steps=s)) for s in (asked.steps, moved))
    assert loaded.fault is None
    for one, other in zip(plain.traces, loaded.traces, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
        np.testing.assert_array_equal(one.count, other.count)
        for name, rows in one.states.items():
            np.testing.assert_array_equal(rows, other.states[name])


def test_what_loading_does_to_a_parameter_is_not_the_next_step_s() -> None:
    asked = script({"lr": 0.5}, steps=2)
    adapter = misbehaving("DoublesItsParametersOnLoading")
    steps = (asked.steps[0], replace(asked.steps[1], reload="loaded"))
    trace = execution.run(adapter, cell(adapter), replace(asked, steps=steps)).traces[0]
    np.testing.assert_array_equal(trace.before[1], 2 * trace.theta[0])


def test_tensors_of_several_dtypes_share_an_optimizer() -> None:
    names = ("bfloat16", "float64", "complex64", "float32")
    tensors = tuple(Tensor((2,), name, Drawn("normal", i)) for i, name in enumerate(names))
    asked = Script(tensors, (Group((0, 1, 2, 3), ADAM),), (Step(tuple(gradient(0, i) for i in range(4))),) * 2)
    found = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, mode="foreach"), asked)
    agrees(found, by_hand(torch_optim.ADAM, "default", "foreach", asked))
    assert [trace.theta.shape[1] for trace in found.traces] == [2, 2, 4, 2]


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
    found = execution.run(adapter, cell(adapter), script({"lr": 0.1}, shapes=((3,),)))
    assert found.fault is not None
    assert (found.fault.kind, found.fault.step) == (kind, step)
    assert says in found.fault.message
    assert found.steps == max(0, step - 1)
    assert found.traces[0].theta.shape == found.traces[0].before.shape == (found.steps, 3)
    assert found.traces[0].states["b"].shape == (found.steps + 1, 3)


@pytest.mark.parametrize(
    ("name", "wrote"), [("WritesIntoTheGradient", (0, 1)), ("WritesIntoTheGradientFirst", (0, 1)), ("Floods", ())]
)
def test_a_gradient_that_is_written_into_is_noted_and_the_step_is_judged_by_what_was_given(
    name: str, wrote: tuple[int, ...]
) -> None:
    adapter = misbehaving(name)
    asked = script({"lr": 0.5})
    found = execution.run(adapter, cell(adapter), asked)
    assert found.modified_gradients == wrote
    plain = execution.run(misbehaving("RaisesInStepThree"), cell(adapter), asked.until(2))
    for trace, other in zip(found.traces, plain.traces, strict=True):
        np.testing.assert_array_equal(trace.theta[:2], other.theta)


def test_a_gradient_that_is_not_a_number_is_no_gradient_written_into() -> None:
    asked = script({"lr": 0.5}, shapes=((3,),), steps=1)
    asked = replace(asked, steps=(Step((Literal((float("nan"), 1.0, float("inf"))),)),))
    assert execution.run(misbehaving("Floods"), cell(misbehaving("Floods")), asked).modified_gradients == ()


def test_an_object_that_assigns_another_tensor_to_its_parameter_is_malformed() -> None:
    adapter = replace(misbehaving("Rebinds"), takes="tensor", states={})
    fault = execution.run(adapter, cell(adapter), script({"lr": 0.1})).fault
    assert fault is not None
    assert (fault.kind, fault.step) == ("malformed", 1)
    assert "its attribute theta is another tensor now" in fault.message


def test_an_object_of_one_tensor_does_not_step_where_that_has_no_gradient() -> None:
    adapter = replace(
        misbehaving("OverOneTensor"), takes="tensor", hyper={"lr": "learning_rate", "momentum": "momentum"}, states={}
    )
    asked = script({"lr": 0.5, "momentum": 0.5}, steps=2)
    asked = replace(asked, steps=(Step((None, gradient(0, 1))), Step((gradient(1, 0), gradient(1, 1)))))
    found = execution.run(adapter, cell(adapter), asked)
    assert found.fault is None
    np.testing.assert_array_equal(found.traces[0].theta[0], found.traces[0].before[0])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_writing_between_the_elements_of_a_sliced_tensor_is_seen(shape: tuple[int, ...]) -> None:
    adapter = misbehaving("WritesBesideItsTensor")
    found = execution.run(adapter, cell(adapter), script({"lr": 0.1}, shapes=(shape,), layout="sliced"))
    assert found.fault is not None
    assert "between the elements" in found.fault.message


@pytest.mark.parametrize(
    ("name", "takes", "hyper", "state"),
    [
        ("OverAList", "list", {"lr": "lr", "momentum": "mu"}, "buf"),
        ("OverOneTensor", "tensor", {"lr": "learning_rate", "momentum": "momentum"}, "b"),
    ],
)
def test_a_class_that_is_no_torch_optimizer_is_driven_by_its_tensors(
    name: str, takes: str, hyper: dict[str, str], state: str
) -> None:
    adapter = replace(misbehaving(name), takes=takes, hyper=hyper, states={"b": state})
    asked = script({"lr": 0.5, "momentum": 0.5}, shapes=((3,), (2,)))
    found = execution.run(adapter, cell(adapter), asked)
    assert found.fault is None
    theta, b = found.traces[1].before[0], np.zeros(2, np.float32)
    for step in range(4):
        b = b / 2 + layout.values(gradient(step, 1), asked.tensors[1]).numpy()
        theta = theta - b / 2
        np.testing.assert_array_equal(found.traces[1].theta[step], theta)
        np.testing.assert_array_equal(found.traces[1].states["b"][step + 1], b)
    assert found.traces[1].present["b"].all()


def test_hyper_parameters_reach_the_subject_as_the_exact_floats() -> None:
    seen: list[Any] = []

    class Listens(torch.optim.Adam):
        def __init__(self, params: Any, **given: Any) -> None:
            seen.append((params[0]["lr"], params[0]["betas"], given["eps"]))
            super().__init__(params, **given)

    exact = {"lr": 0.1 + 2**-55, "beta1": 0.1, "beta2": 1 / 3, "eps": 5e-324, "weight_decay": 0.0}
    assert execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script(exact), subject=Listens).fault is None
    assert seen == [(exact["lr"], (0.1, 1 / 3), 5e-324)]


def test_the_callers_threads_and_random_numbers_are_left_alone() -> None:
    class Noisy(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            for parameter in self.param_groups[0]["params"]:
                parameter.data.add_(torch.randn_like(parameter))

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    asked, where = script({"lr": 0.1}), cell(torch_optim.SGD, "plain")
    one, other = (execution.run(torch_optim.SGD, where, asked, subject=Noisy) for _ in range(2))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(one.traces[0].theta, other.traces[0].theta)


def test_a_script_that_does_not_fit_is_an_error_not_a_fault() -> None:
    with pytest.raises(ValueError, match=r"rho=0.5, but torch.optim.Adam takes lr, beta1"):
        execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script({"rho": 0.5}))
    with pytest.raises(ValueError, match=r"mode='capturable', but torch.optim.SGD has single"):
        execution.run(torch_optim.SGD, cell(torch_optim.SGD, "plain", "capturable"), script({"lr": 0.5}))
    with pytest.raises(ValueError, match=r"configuration='nope', but torch.optim.Adam has default, amsgrad"):
        execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, "nope"), script({"lr": 0.5}))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (3,)])
@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float32"])
def test_a_tensor_of_any_shape_may_get_no_gradient_at_all_or_one(shape: tuple[int, ...], dtype: str) -> None:
    tensor = Tensor(shape, dtype, Literal((0.5,)))
    asked = Script((tensor, tensor), (Group((0, 1), ADAM),), (Step((None, Literal((1.0,)))), Step((None, None))))
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, dtype=dtype), asked)
    assert trajectory.fault is None
    assert [trace.theta.shape for trace in trajectory.traces] == [(2, tensor.size)] * 2
    assert (trajectory.traces[0].theta == np.float32(0.5)).all()
