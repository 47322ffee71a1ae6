"""Invocation variants, reloads and skipped steps, as a subject that watches the driver sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from implementations.short_scripts import ADAM, cell, script_of
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.adapters.torch_optim import ADAMW, SGD
from stepcheck_implementations.driver import execution, invocation, portable
from stepcheck_reference.scripts.script import (
    ASIDE,
    INVOCATIONS,
    LOSS,
    RELOADS,
    SPOILED,
    Drawn,
    Group,
    Literal,
    Quadratic,
    Script,
    Step,
    Tensor,
)
from stepcheck_reference.scripts.script_json import from_json, to_json
from stepcheck_reference.scripts.trajectory import Trajectory

HYPER = {"lr": 0.5}
PLAIN = Adapter("third-party", "sgd", {"lr": "lr"}, {}, {"single": {}, "fused": {"fused": True}}, count=None)


class Watching(torch.optim.Optimizer):
    """SGD that keeps a note of everything it is given; what it has seen survives copies and new constructions."""

    seen: list[dict[str, Any]]

    def __init__(self, params: Any, lr: Any = 0.1, fused: bool = False) -> None:
        super().__init__(params, {"lr": lr, "fused": fused})
        self.seen.append({"event": "built", "lr": self.param_groups[0]["lr"], "fused": fused})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        group = self.param_groups[0]
        self.seen.append(
            {
                "event": "step",
                "lr": group["lr"],
                "initial_lr": group.get("initial_lr"),
                "gradients": [p.grad for p in group["params"]],
                "found_inf": getattr(self, "found_inf", None),
                "grad_scale": getattr(self, "grad_scale", "none"),
                "default": torch.get_default_dtype(),
                "unwritten": torch.empty(4),
                "fused": group["fused"],
                "parameters": group["params"],
            }
        )
        for p in group["params"]:
            if p.grad is not None and getattr(self, "found_inf", None) is None:
                p -= float(group["lr"]) * p.grad.to_dense()
        return loss


@pytest.fixture
def watching() -> type[Watching]:
    """Return a class of its own, which has seen nothing yet."""
    return type("Watching", (Watching,), {"seen": []})


def ordinary(*kinds: str, **changes: Any) -> Script:
    """Return three steps of two tensors called as ``kinds`` says; the second step has ``changes``."""
    script = script_of(HYPER, steps=3)
    steps = (script.steps[0], replace(script.steps[1], **changes), script.steps[2])
    return replace(script, steps=steps, invocation=kinds)


def done(kind: type[Watching], script: Script, mode: str = "single") -> tuple[Trajectory, list[dict[str, Any]]]:
    """Return what came of ``script``, and what the optimizer saw at each step."""
    trajectory = execution.run(PLAIN, cell(PLAIN, mode=mode), script, subject=kind)
    assert trajectory.fault is None
    return trajectory, [note for note in kind.seen if note["event"] == "step"]


def same(one: Trajectory, other: Trajectory) -> bool:
    return all(np.array_equal(a.theta, b.theta) for a, b in zip(one.traces, other.traces, strict=True))


def test_a_closure_sets_the_gradients_counts_its_calls_and_gives_a_loss_of_its_step(watching: type[Watching]) -> None:
    plain, _ = done(watching, ordinary())
    trajectory, _ = done(watching, ordinary("closure"))
    assert same(trajectory, plain)
    assert trajectory.calls == (1, 1, 1)
    assert trajectory.losses == trajectory.returned == (LOSS, 2 * LOSS, 3 * LOSS)
    assert plain.calls == plain.returned == plain.losses == ()


def test_a_closure_called_with_gradients_disabled_raises_as_backward_does(watching: type[Watching]) -> None:
    class Disabled(watching):  # type: ignore[valid-type, misc]
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            return closure()

    trajectory = execution.run(PLAIN, cell(PLAIN), ordinary("closure"), subject=Disabled)
    assert trajectory.fault is not None
    assert (trajectory.fault.kind, trajectory.fault.step) == ("raised", 1)
    assert "gradients disabled" in trajectory.fault.message


@pytest.mark.parametrize(("kind", "shape"), [("tensor_lr", ()), ("one_element_lr", (1,)), ("viewed_lr", ())])
def test_a_rate_in_a_tensor_is_exact_and_is_changed_in_place(
    kind: str, shape: tuple[int, ...], watching: type[Watching]
) -> None:
    _, notes = done(watching, ordinary(kind, hyper=((0, "lr", 0.3),)))
    rates = [note["lr"] for note in notes]
    assert all(rate is rates[0] for rate in rates)
    assert rates[0].dtype is torch.float64
    assert rates[0].shape == shape
    assert float(rates[0]) == 0.3
    storage = torch.empty(0, dtype=torch.float64).set_(rates[0].untyped_storage()).tolist()
    assert storage == ([SPOILED, 0.3, SPOILED] if kind == "viewed_lr" else [0.3])


def test_the_default_dtype_is_float64_for_as_long_as_a_run_lasts(watching: type[Watching]) -> None:
    _, notes = done(watching, ordinary("float64_default"))
    assert {note["default"] for note in notes} == {torch.float64}
    assert torch.get_default_dtype() is torch.float32


def test_a_reused_gradient_is_one_buffer_with_each_steps_numbers(watching: type[Watching]) -> None:
    plain, _ = done(watching, ordinary())
    watching.seen.clear()
    trajectory, notes = done(watching, ordinary("reused_gradient"))
    assert same(trajectory, plain)
    for index in range(2):
        assert len({note["gradients"][index].data_ptr() for note in notes}) == 1


def test_a_spoiled_gradient_is_overwritten_once_its_step_is_over_and_not_before(watching: type[Watching]) -> None:
    plain, _ = done(watching, ordinary())
    watching.seen.clear()
    trajectory, notes = done(watching, ordinary("spoiled_gradient"))
    assert same(trajectory, plain)
    assert trajectory.modified_gradients == ()
    for note in notes:
        assert all(bool((gradient == SPOILED).all()) for gradient in note["gradients"])


def test_a_state_that_is_the_gradients_memory_shows_the_spoiled_numbers() -> None:
    class Aliases(torch.optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.1) -> None:
            super().__init__(params, {"lr": lr})

        def step(self) -> None:  # type: ignore[override]
            for p in self.param_groups[0]["params"]:
                self.state[p]["kept"] = p.grad

    adapter = replace(PLAIN, states={"b": "kept"})
    trajectory = execution.run(adapter, cell(adapter), ordinary("spoiled_gradient"), subject=Aliases)
    assert (trajectory.traces[0].states["b"][1:] == SPOILED).all()


def test_a_scheduler_sets_the_rate_of_the_group_and_leaves_an_initial_one(watching: type[Watching]) -> None:
    plain, _ = done(watching, ordinary(hyper=((0, "lr", 0.3),)))
    assert {note["initial_lr"] for note in watching.seen if note["event"] == "step"} == {None}
    watching.seen.clear()
    trajectory, notes = done(watching, ordinary("scheduler", hyper=((0, "lr", 0.3),)))
    assert same(trajectory, plain)
    assert [note["lr"] for note in notes] == [0.5, 0.3, 0.3]
    assert {note["initial_lr"] for note in notes} == {0.5}


def test_a_scheduler_goes_on_from_the_rate_that_was_loaded() -> None:
    script = script_of(HYPER, steps=4)
    events = ({}, {"hyper": ((0, "lr", 0.3),)}, {"reload": "loaded"}, {"hyper": ((0, "lr", 0.2),)})
    steps = tuple(replace(step, **change) for step, change in zip(script.steps, events, strict=True))  # type: ignore[arg-type]
    plain = replace(script, steps=steps)
    runs = [execution.run(SGD, cell(SGD, "plain"), each) for each in (plain, replace(plain, invocation=("scheduler",)))]
    assert same(*runs)


def test_a_scheduler_of_what_is_no_torch_optimizer_is_refused_at_construction() -> None:
    class Duck:
        def __init__(self, groups: Any, lr: float) -> None:
            self.param_groups, self.state = groups, {}

        def step(self) -> None: ...

    trajectory = execution.run(PLAIN, cell(PLAIN), ordinary("scheduler"), subject=Duck)
    assert trajectory.fault is not None
    assert (trajectory.fault.kind, trajectory.fault.step) == ("raised", 0)


def test_a_sparse_gradient_has_several_entries_for_a_row_and_means_the_same(watching: type[Watching]) -> None:
    plain, _ = done(watching, ordinary())
    watching.seen.clear()
    trajectory, notes = done(watching, ordinary("sparse"))
    assert same(trajectory, plain)
    gradient = notes[0]["gradients"][1]
    assert gradient.is_sparse
    rows = gradient._indices()[0].tolist()
    assert sorted(rows) == [0, 0, 1, 1]
    assert notes[0]["gradients"][0].is_sparse


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 0), (0, 2), (2, 3, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_the_entries_of_an_uncoalesced_row_add_up_exactly(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    row = torch.randn(shape).to(dtype)
    if len(row) > 1:
        row[1] = 0
    sparse = portable.uncoalesced(row)
    assert torch.equal(sparse.to_dense(), row)
    assert 1 not in sparse._indices()[0].tolist()


def test_a_sparse_state_is_read_as_a_dense_one() -> None:
    script = script_of({**HYPER, "momentum": 0.5, "weight_decay": 0.0}, steps=3)
    trajectory = execution.run(SGD, cell(SGD, "momentum"), replace(script, invocation=("sparse",)))
    plain = execution.run(SGD, cell(SGD, "momentum"), script)
    assert trajectory.fault is None
    assert np.array_equal(trajectory.traces[1].states["b"], plain.traces[1].states["b"])


def test_a_skipped_step_gets_found_inf_and_filled_memory(watching: type[Watching]) -> None:
    class Supports(watching):  # type: ignore[valid-type, misc]
        _step_supports_amp_scaling = True

    trajectory, notes = done(Supports, ordinary(skip=True))
    assert [None if note["found_inf"] is None else float(note["found_inf"]) for note in notes] == [None, 1.0, None]
    assert [note["grad_scale"] for note in notes] == ["none", None, "none"]
    assert bool(notes[1]["unwritten"].isnan().all())
    assert not torch.are_deterministic_algorithms_enabled()
    assert np.array_equal(trajectory.traces[0].theta[1], trajectory.traces[0].theta[0])


def test_a_skipped_step_does_not_call_an_optimizer_without_found_inf(watching: type[Watching]) -> None:
    trajectory, notes = done(watching, ordinary(skip=True))
    assert len(notes) == 2
    assert np.array_equal(trajectory.traces[0].theta[1], trajectory.traces[0].theta[0])


@pytest.mark.parametrize("how", [how for how in RELOADS if how not in ASIDE])
def test_only_copies_and_pickles_bring_other_parameters_and_only_state_dicts_a_new_construction(
    how: str, watching: type[Watching]
) -> None:
    plain, _ = done(watching, ordinary())
    watching.seen.clear()
    trajectory, notes = done(watching, ordinary(reload=how))
    assert same(trajectory, plain)
    before, after = (note["parameters"] for note in notes[:2])
    assert all((one is other) == (how not in ("copied", "pickled")) for one, other in zip(before, after, strict=True))
    built = [note for note in watching.seen if note["event"] == "built"]
    assert len(built) == {"loaded": 2, "saved": 2, "loaded_twice": 3}.get(how, 1)


@pytest.mark.parametrize("how", ["loaded", "saved"])
def test_a_reload_leads_into_another_mode(how: str, watching: type[Watching]) -> None:
    _, notes = done(watching, ordinary(reload=how, into="fused"))
    assert [note["fused"] for note in notes] == [False, True, True]
    built = [note["fused"] for note in watching.seen if note["event"] == "built"]
    assert built == [False, True]


def test_a_reload_into_a_mode_that_is_not_there_is_an_error_of_the_script(watching: type[Watching]) -> None:
    with pytest.raises(ValueError, match="mode='foreach', but third-party has single, fused"):
        done(watching, ordinary(reload="loaded", into="foreach"))


def test_a_pickle_needs_no_class_that_can_be_imported(watching: type[Watching]) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = watching([parameter])
    again, others = invocation.through_a_pickle((optimizer, [parameter]), (watching,))
    assert type(again) is watching
    assert again.param_groups[0]["params"][0] is others[0] is not parameter


def test_a_copied_parameter_has_no_memory_between_its_elements_to_check() -> None:
    script = replace(script_of(ADAM, layout="sliced", steps=2))
    steps = (script.steps[0], replace(script.steps[1], reload="copied"))
    assert execution.run(ADAMW, cell(ADAMW), replace(script, steps=steps)).fault is None


def test_entries_tell_key_dtype_device_and_size() -> None:
    trajectory = execution.run(ADAMW, cell(ADAMW, "default", "single", "bfloat16"), script_of(ADAM, dtype="bfloat16"))
    (entries, _) = trajectory.entries
    assert [(e.key, e.dtype, e.device, e.size) for e in entries] == [
        ("step", "float32", "cpu", 1),
        ("exp_avg", "bfloat16", "cpu", 3),
        ("exp_avg_sq", "bfloat16", "cpu", 3),
    ]


def test_invocation_reloads_and_skips_survive_json_and_old_json_is_read() -> None:
    more = {"zero_grad": "none", "grad_scale": 8.0, "closure": True, "default_dtype": "float64", "adds_groups": (0,)}
    script = ordinary(*INVOCATIONS, reload="saved", into="fused", skip=True, **more)
    assert from_json(to_json(script)) == script
    raw = json.loads(to_json(ordinary()))
    assert "manners" not in raw
    assert set(raw["steps"][1]) == {"gradients"}
    raw["steps"][1]["reload"] = True
    assert from_json(json.dumps(raw)).steps[1].reload == "loaded"


def test_only_state_dicts_lead_into_another_mode() -> None:
    gradients = (Drawn("normal", 1),)
    assert Step(gradients, reload="loaded", into="single").into == "single"
    assert Step(gradients, reload="copied", into="single").into == ""
    assert Step(gradients, into="single").into == ""


def boxed(dtype: str = "float32", **changes: Any) -> Script:
    """A tensor at 0 that goes down by 2, up by 1, and down by 2 again, in a box of which 1 is the edge."""
    steps = tuple(Step((Literal((gradient,)),)) for gradient in (4.0, -2.0, 4.0))
    script = Script((Tensor((2,), dtype, Literal((0.0,))),), (Group((0,), HYPER),), steps, box=(-1.0, 1.0))
    return replace(script, **changes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "complex64"])
def test_a_box_clamps_parameters_once_a_step_has_been_observed(watching: type[Watching], dtype: str) -> None:
    (trace,) = execution.run(PLAIN, cell(PLAIN), boxed(dtype), subject=watching).traces
    assert trace.before[:, -1].tolist() == [0.0, -1.0, 0.0]
    assert trace.theta[:, -1].tolist() == [-2.0, 0.0, -2.0]


def test_without_a_box_nothing_is_clamped(watching: type[Watching]) -> None:
    (trace,) = execution.run(PLAIN, cell(PLAIN), boxed(box=None), subject=watching).traces
    assert trace.theta[:, 0].tolist() == [-2.0, -1.0, -3.0]


def test_an_objective_without_a_closure_gives_its_gradient_at_the_parameters(watching: type[Watching]) -> None:
    low = Literal((1.0,))
    script = boxed(steps=(Step((low,)), Step((low,))), objective=Quadratic(0.5, by_closure=False), box=None)
    trajectory = execution.run(PLAIN, cell(PLAIN), script, subject=watching)
    gradients = [entry["gradients"][0].tolist() for entry in watching.seen if entry["event"] == "step"]
    assert gradients == [[-0.5, -0.5], [-0.375, -0.375]]
    assert trajectory.traces[0].theta[:, 0].tolist() == [0.25, 0.4375]
    assert trajectory.calls == ()


def test_a_box_and_an_objective_without_a_closure_survive_json() -> None:
    script = boxed(objective=Quadratic(0.5, by_closure=False))
    assert from_json(to_json(script)) == script
    assert from_json(to_json(boxed(box=None, objective=Quadratic(0.5)))).objective == Quadratic(0.5)
    assert "asked" not in to_json(boxed(objective=Quadratic(0.5)))


def test_a_box_needs_its_lower_edge_first() -> None:
    with pytest.raises(ValueError, match="the lower first"):
        boxed(box=(1.0, -1.0))
