"""The driver does to an optimizer exactly what a training loop does, and observes exactly the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from implementations.short_scripts import ADAM, cell, gradient, hyper_of, misbehaving, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import execution, portable
from stepcheck_implementations.driver.inputs import layout
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import GRADIENT_LAYOUTS, LAYOUTS, Drawn, Group, Literal, Script, Step, Tensor
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


def by_hand(adapter: Adapter, configuration: str, mode: str, script: Script) -> list[list[torch.Tensor]]:
    """Return the parameters after every step of a plain loop over torch's own class; no events, one group."""
    return looped(adapter, configuration, mode, script)[0]


def looped(
    adapter: Adapter, configuration: str, mode: str, script: Script
) -> tuple[list[list[torch.Tensor]], list[dict[str, torch.Tensor]]]:
    """Return the same, and each parameter's state at the end."""
    hyper = {**adapter.configuration(configuration).fixed_hyper, **script.groups[0].hyper}
    for names, argument in PAIRS.items():
        if adapter.hyper.get(names[0], "").startswith(argument):
            hyper[argument] = tuple(hyper.pop(name) for name in names)
    hyper = {RENAMED.get((adapter.target, name), name): value for name, value in hyper.items()}
    options = {**adapter.configuration(configuration).options, **adapter.modes[mode]}
    parameters = [layout.values(t.initial, t).requires_grad_(mode != "differentiable") for t in script.tensors]
    optimizer = getattr(torch.optim, adapter.target.rpartition(".")[2])(parameters, **hyper, **options)
    rows = []
    for step in script.steps:
        for parameter, tensor, data in zip(parameters, script.tensors, step.gradients, strict=True):
            parameter.grad = None if data is None else layout.values(data, tensor)
        optimizer.step()
        rows.append([parameter.detach().clone() for parameter in parameters])
    return rows, [optimizer.state[parameter] for parameter in parameters]


def agrees(trajectory: Trajectory, rows: list[list[torch.Tensor]]) -> None:
    assert trajectory.fault is None
    assert trajectory.steps == len(rows)
    for index, trace in enumerate(trajectory.traces):
        for step, row in enumerate(rows):
            np.testing.assert_array_equal(trace.theta[step].astype(np.float64), reals(row[index]))
            if step:
                np.testing.assert_array_equal(trace.before[step], trace.theta[step - 1])


@pytest.mark.parametrize(("adapter", "configuration", "mode"), CELLS, ids=lambda value: getattr(value, "target", value))
def test_every_configuration_runs_in_every_mode_as_torch_runs_it(
    adapter: Adapter, configuration: str, mode: str
) -> None:
    script = script_of(hyper_of(adapter, configuration))
    trajectory = execution.run(adapter, cell(adapter, configuration, mode), script)
    rows, tables = looped(adapter, configuration, mode, script)
    agrees(trajectory, rows)
    assert np.any(trajectory.traces[0].theta[-1] != trajectory.traces[0].before[0])
    states = STATES[adapter.target]
    assert dict(adapter.states) == states
    for trace, table in zip(trajectory.traces, tables, strict=True):
        for name, key in states.items():
            assert bool(trace.present[name][-1]) == (table.get(key) is not None)
            if trace.present[name][-1]:
                np.testing.assert_array_equal(trace.states[name][-1].astype(np.float64), reals(table[key]))


@pytest.mark.parametrize("mode", PATHS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_every_dtype_is_represented_exactly(dtype: str, mode: str) -> None:
    script = script_of(ADAM, dtype=dtype)
    trajectory = execution.run(torch_optim.ADAMW, cell(torch_optim.ADAMW, "amsgrad", mode, dtype), script)
    if mode == "fused" and dtype.startswith("complex"):
        assert trajectory.fault is not None
        assert (trajectory.fault.kind, trajectory.fault.step) == ("raised", 1)
        return
    agrees(trajectory, by_hand(torch_optim.ADAMW, "amsgrad", mode, script))
    wide = dtype in ("float64", "complex128")
    for array in (trajectory.traces[0].theta, *trajectory.traces[0].states.values()):
        assert array.dtype == (np.float64 if wide else np.float32)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (3, 4), (2, 3, 4), (2, 3, 2, 5)])
@pytest.mark.parametrize("wanted", LAYOUTS)
def test_no_layout_changes_what_a_step_does(wanted: str, shape: tuple[int, ...]) -> None:
    script = script_of(ADAM, shapes=(shape, (3,)), layout=wanted)
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script)
    agrees(trajectory, by_hand(torch_optim.ADAM, "default", "single", script))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 4), (2, 3, 2, 5)])
@pytest.mark.parametrize("wanted", GRADIENT_LAYOUTS)
def test_no_layout_of_a_gradient_changes_what_a_step_does(wanted: str, shape: tuple[int, ...]) -> None:
    script = script_of(ADAM, shapes=(shape, (3,)))
    tensors = tuple(replace(tensor, gradient_layout=wanted) for tensor in script.tensors)
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), replace(script, tensors=tensors))
    agrees(trajectory, by_hand(torch_optim.ADAM, "default", "single", script))


def test_an_expanded_gradient_has_stride_0_where_its_values_are_equal_and_nowhere_else() -> None:
    rows = torch.tensor([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    for plain, strides in ((torch.ones(2, 3), (0, 0)), (rows, (1, 0)), (rows.mT.contiguous(), (0, 1))):
        placed = layout.place(plain, "expanded", "cpu")
        assert torch.equal(placed, plain)
        assert placed.stride() == strides
    assert layout.place(torch.arange(3.0), "expanded", "cpu").stride() == (1,)


def test_flat_tensors_of_one_dtype_lie_one_after_another_in_one_buffer() -> None:
    plain = [torch.ones(2), torch.ones(3, dtype=torch.float64), None, torch.full((2, 2), 2.0)]
    first, other, none, last = layout.place_all(plain, ["flat"] * 4, "cpu")
    assert none is None
    assert first is not None
    assert last is not None
    assert other is not None
    assert first.untyped_storage().data_ptr() == last.untyped_storage().data_ptr()
    assert last.storage_offset() == first.storage_offset() + first.numel()
    assert other.untyped_storage().data_ptr() != first.untyped_storage().data_ptr()
    assert (portable.ends_of_buffer(last) == portable.GUARD).all()


def test_a_step_has_the_threads_of_its_script_and_a_frozen_parameter_requires_no_gradient() -> None:
    seen = []

    class Watching(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            seen.append((torch.get_num_threads(), [p.requires_grad for p in self.param_groups[0]["params"]]))

    script = script_of({"lr": 0.5, "weight_decay": 0.0}, steps=1)
    tensors = (script.tensors[0], replace(script.tensors[1], frozen=True))
    before = torch.get_num_threads()
    for threads in (1, 2):
        execution.run(
            torch_optim.SGD,
            cell(torch_optim.SGD, "plain"),
            replace(script, tensors=tensors, threads=threads),
            subject=Watching,
        )
    assert seen == [(1, [True, False]), (2, [True, False])]
    assert torch.get_num_threads() == before


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
    assert placed["flat"].is_contiguous()
    assert (portable.ends_of_buffer(placed["flat"]) == portable.GUARD).all()
    assert layout.gradient_layout(Tensor((2, 3), "float32", Literal((0.0,)), "sliced")) == "contiguous"
    assert layout.gradient_layout(Tensor((2, 3), "float32", Literal((0.0,)), "transposed")) == "transposed"


def test_a_missing_gradient_leaves_the_tensor_and_its_state_alone() -> None:
    script = script_of(ADAM, steps=3)
    first, second, third = script.steps
    script = replace(script, steps=(replace(first, gradients=(None, first.gradients[1])), second, third))
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script)
    one, other = trajectory.traces
    assert one.count.tolist() == [-1, -1, 1, 2]
    assert other.count.tolist() == [-1, 1, 2, 3]
    assert one.present["m"].tolist() == [False, False, True, True]
    assert not one.states["m"][:2].any()
    np.testing.assert_array_equal(one.theta[0], one.before[0])
    agrees(trajectory, by_hand(torch_optim.ADAM, "default", "single", script))


def test_a_tensor_without_any_gradient_has_rows_of_absent_state() -> None:
    script = script_of(ADAM, steps=2)
    script = replace(script, steps=tuple(Step((None, step.gradients[1])) for step in script.steps))
    trace = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script).traces[0]
    assert trace.states["v"].shape == (3, 3)
    assert not trace.present["v"].any()
    assert trace.count.tolist() == [-1, -1, -1]


def test_states_are_read_by_their_alphabet_names() -> None:
    script = script_of({**ADAM, "beta1": 0.5, "beta2": 0.75}, steps=1)
    trace = execution.run(torch_optim.ADAMW, cell(torch_optim.ADAMW, "amsgrad"), script).traces[0]
    g = layout.values(gradient(0, 0), script.tensors[0]).numpy()
    np.testing.assert_array_equal(trace.states["m"][1], g / 2)
    np.testing.assert_array_equal(trace.states["v"][1], g * g / 4)
    np.testing.assert_array_equal(trace.states["v_max"][1], trace.states["v"][1])


def test_groups_have_hyper_parameters_of_their_own() -> None:
    script = script_of(ADAM)
    fast, slow = ADAM, {**ADAM, "lr": 0.5, "beta2": 0.5}
    both = replace(script, groups=(Group((1,), slow), Group((0,), fast)))
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), both)
    for index, hyper in ((0, fast), (1, slow)):
        alone = by_hand(torch_optim.ADAM, "default", "single", replace(script, groups=(Group((0, 1), hyper),)))
        np.testing.assert_array_equal(trajectory.traces[index].theta[-1], reals(alone[-1][index]))


def test_hyper_parameters_change_between_steps_as_under_a_scheduler() -> None:
    script = script_of(ADAM, steps=3)
    event = ((0, "lr", 0.25), (0, "beta2", 0.5))
    steps = (script.steps[0], replace(script.steps[1], hyper=event), script.steps[2])
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), replace(script, steps=steps))
    parameters = [layout.values(t.initial, t).requires_grad_() for t in script.tensors]
    optimizer = torch.optim.Adam(parameters, lr=ADAM["lr"], betas=(0.87, 0.97), eps=1e-6, weight_decay=0.031)
    for number, step in enumerate(script.steps):
        if number == 1:
            optimizer.param_groups[0].update(lr=0.25, betas=(0.87, 0.5))
        for parameter, tensor, data in zip(parameters, script.tensors, step.gradients, strict=True):
            assert data is not None
            parameter.grad = layout.values(data, tensor)
        optimizer.step()
    np.testing.assert_array_equal(trajectory.traces[1].theta[-1], reals(parameters[1]))


def test_parameters_are_overwritten_in_place_just_before_a_step() -> None:
    script = script_of(ADAM, steps=3)
    steps = (script.steps[0], replace(script.steps[1], overwrite=((0, Literal((0.0,))),)), script.steps[2])
    trace = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), replace(script, steps=steps)).traces[0]
    assert trace.theta[0].any()
    assert not trace.before[1].any()
    assert trace.theta[1].all()
    assert trace.count.tolist() == [-1, 1, 2, 3]


@pytest.mark.parametrize(("adapter", "configuration", "mode"), CELLS, ids=lambda value: getattr(value, "target", value))
def test_saving_and_loading_changes_nothing(adapter: Adapter, configuration: str, mode: str) -> None:
    dtype = "float32" if adapter in (torch_optim.NADAM, torch_optim.ASGD) else "bfloat16"  # see loaded_scalars
    script = script_of(hyper_of(adapter, configuration), dtype=dtype)
    reloaded = (
        replace(script.steps[0], reload=True),
        script.steps[1],
        *(replace(s, reload=True) for s in script.steps[2:]),
    )
    where = cell(adapter, configuration, mode, dtype)
    plain, loaded = (execution.run(adapter, where, replace(script, steps=s)) for s in (script.steps, reloaded))
    assert loaded.fault is None
    for one, other in zip(plain.traces, loaded.traces, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
        np.testing.assert_array_equal(one.count, other.count)
        for name, rows in one.states.items():
            np.testing.assert_array_equal(rows, other.states[name])


def test_what_loading_does_to_a_parameter_is_not_the_next_step_s() -> None:
    script = script_of({"lr": 0.5}, steps=2)
    adapter = misbehaving("DoublesItsParametersOnLoading")
    steps = (script.steps[0], replace(script.steps[1], reload="loaded"))
    trace = execution.run(adapter, cell(adapter), replace(script, steps=steps)).traces[0]
    np.testing.assert_array_equal(trace.before[1], 2 * trace.theta[0])


def test_tensors_of_several_dtypes_share_an_optimizer() -> None:
    names = ("bfloat16", "float64", "complex64", "float32")
    tensors = tuple(Tensor((2,), name, Drawn("normal", i)) for i, name in enumerate(names))
    script = Script(tensors, (Group((0, 1, 2, 3), ADAM),), (Step(tuple(gradient(0, i) for i in range(4))),) * 2)
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, mode="foreach"), script)
    agrees(trajectory, by_hand(torch_optim.ADAM, "default", "foreach", script))
    assert [trace.theta.shape[1] for trace in trajectory.traces] == [2, 2, 4, 2]


def test_an_object_of_one_tensor_does_not_step_where_that_has_no_gradient() -> None:
    adapter = replace(
        misbehaving("OverOneTensor"), takes="tensor", hyper={"lr": "learning_rate", "momentum": "momentum"}, states={}
    )
    script = script_of({"lr": 0.5, "momentum": 0.5}, steps=2)
    script = replace(script, steps=(Step((None, gradient(0, 1))), Step((gradient(1, 0), gradient(1, 1)))))
    trajectory = execution.run(adapter, cell(adapter), script)
    assert trajectory.fault is None
    np.testing.assert_array_equal(trajectory.traces[0].theta[0], trajectory.traces[0].before[0])


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
    script = script_of({"lr": 0.5, "momentum": 0.5}, shapes=((3,), (2,)))
    trajectory = execution.run(adapter, cell(adapter), script)
    assert trajectory.fault is None
    theta, b = trajectory.traces[1].before[0], np.zeros(2, np.float32)
    for step in range(4):
        b = b / 2 + layout.values(gradient(step, 1), script.tensors[1]).numpy()
        theta = theta - b / 2
        np.testing.assert_array_equal(trajectory.traces[1].theta[step], theta)
        np.testing.assert_array_equal(trajectory.traces[1].states["b"][step + 1], b)
    assert trajectory.traces[1].present["b"].all()


def test_hyper_parameters_reach_the_subject_as_the_exact_floats() -> None:
    received: list[Any] = []

    class Listens(torch.optim.Adam):
        def __init__(self, params: Any, **options: Any) -> None:
            received.append((params[0]["lr"], params[0]["betas"], options["eps"]))
            super().__init__(params, **options)

    exact = {"lr": 0.1 + 2**-55, "beta1": 0.1, "beta2": 1 / 3, "eps": 5e-324, "weight_decay": 0.0}
    assert execution.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(exact), subject=Listens).fault is None
    assert received == [(exact["lr"], (0.1, 1 / 3), 5e-324)]


def test_the_callers_threads_and_random_numbers_are_left_alone() -> None:
    class Noisy(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            for parameter in self.param_groups[0]["params"]:
                parameter.data.add_(torch.randn_like(parameter))

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    script, where = script_of({"lr": 0.1}), cell(torch_optim.SGD, "plain")
    one, other = (execution.run(torch_optim.SGD, where, script, subject=Noisy) for _ in range(2))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(one.traces[0].theta, other.traces[0].theta)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (3,)])
@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float32"])
def test_a_tensor_of_any_shape_may_get_no_gradient_at_all_or_one(shape: tuple[int, ...], dtype: str) -> None:
    tensor = Tensor(shape, dtype, Literal((0.5,)))
    script = Script((tensor, tensor), (Group((0, 1), ADAM),), (Step((None, Literal((1.0,)))), Step((None, None))))
    trajectory = execution.run(torch_optim.ADAM, cell(torch_optim.ADAM, dtype=dtype), script)
    assert trajectory.fault is None
    assert [trace.theta.shape for trace in trajectory.traces] == [(2, tensor.size)] * 2
    assert (trajectory.traces[0].theta == np.float32(0.5)).all()
