"""Laws of lifecycles: what each compares a run with, what it counts, and what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from properties.adam_in_float32 import ADAM, ARITHMETICS, AdamInFloat32
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import CheckOutcome, Facts, Law, ReferenceRun
from stepcheck_properties.laws.lifecycles.closures import CLOSURE
from stepcheck_properties.laws.lifecycles.default_dtype import DEFAULT_DTYPE
from stepcheck_properties.laws.lifecycles.gradient_buffers import GRADIENT_NOT_ALIASED
from stepcheck_properties.laws.lifecycles.rate_changes import SCHEDULED_LEARNING_RATE, TENSOR_LEARNING_RATE
from stepcheck_properties.laws.lifecycles.resuming import COPY_AND_PICKLE, STATE_DICT, STATE_DICT_ACROSS_MODES
from stepcheck_properties.laws.lifecycles.skipped_steps import SKIPPED_STEP
from stepcheck_properties.laws.lifecycles.sparse_gradients import EMPTY_ROW, SPARSE_GRADIENT
from stepcheck_properties.laws.lifecycles.state_memory import STATE_MEMORY
from stepcheck_properties.profile import QUICK, STANDARD
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference import rules
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Entry, Fault, Trajectory

FACTS = Facts(
    ADAM,
    frozenset({"m", "v"}),
    shows_step_count=True,
    mode="foreach",
    modes=("single", "foreach"),
    accepted_hyper=frozenset({"lr"}),
)
TWO_RUNS = (
    STATE_DICT,
    COPY_AND_PICKLE,
    STATE_DICT_ACROSS_MODES,
    CLOSURE,
    TENSOR_LEARNING_RATE,
    SCHEDULED_LEARNING_RATE,
    DEFAULT_DTYPE,
    GRADIENT_NOT_ALIASED,
    SPARSE_GRADIENT,
    SKIPPED_STEP,
)
ALL = (*TWO_RUNS, STATE_MEMORY)


SEVERAL = {STATE_DICT: 2, CLOSURE: 2, DEFAULT_DTYPE: 3}
"""How many scripts profile quick has for a law: some have other hyper-parameters, or a change in mid-run."""


def scripts(law: Law, profile: str = "quick", facts: Facts = FACTS) -> Iterator[Script]:
    """Yield the law's own scripts."""
    assert law.scripts is not None
    yield from law.scripts(facts, {"quick": QUICK, "standard": STANDARD}[profile], 3)


class Diverging:
    """A subject that applies ``change`` to the trajectory of scripts with an invocation variant, a reload or a skip."""

    def __init__(self, change: object = None) -> None:
        self.change = change

    def __call__(self, script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        """Return the run of a correct Adam, changed where the script is unusual."""
        trajectory = AdamInFloat32()(script)
        unusual = script.invocation or any(step.reload or step.skip for step in script.steps)
        if "closure" in script.invocation:
            count = len(script.steps)
            trajectory = replace(trajectory, calls=(1,) * count, returned=(0.5,) * count, losses=(0.5,) * count)
        return self.change(trajectory) if unusual and callable(self.change) else trajectory


def checked(law: Law, subject: object, script: Script | None = None) -> CheckOutcome:
    """Return the law's outcome for a subject on its first script."""
    harness = Harness(subject, ADAM, ARITHMETICS, "float32", FACTS)  # type: ignore[arg-type]
    evidence = harness.evidence(law, script or next(scripts(law)))
    assert evidence is not None
    return law.check(evidence)


def nudged(trajectory: Trajectory) -> Trajectory:
    """Return the run with its second tensor's first real elsewhere after the last step."""
    trace = trajectory.traces[1]
    theta = np.array(trace.theta)
    theta[-1, 0] += 1.0
    return replace(trajectory, traces=(trajectory.traces[0], replace(trace, theta=theta), *trajectory.traces[2:]))


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.code)
def test_a_correct_subject_holds_and_something_is_compared(law: Law) -> None:
    outcome = checked(law, Diverging())
    assert outcome.compared > 0
    assert outcome.breaches == ()


@pytest.mark.parametrize("law", TWO_RUNS, ids=lambda law: law.code)
def test_a_run_that_ends_elsewhere_breaks_the_law(law: Law) -> None:
    (breach,) = checked(law, Diverging(nudged)).breaches
    assert (breach.output, breach.tensor) == ("theta", 1)
    assert breach.counterpart is not None


@pytest.mark.parametrize("law", TWO_RUNS, ids=lambda law: law.code)
def test_the_reference_run_is_plain_and_a_plain_script_has_none(law: Law) -> None:
    assert law.reference is not None
    for script in scripts(law, "standard"):
        reference = law.reference(script, FACTS)
        assert reference is not None
        assert reference.script.invocation == ()
        assert not any(step.reload or step.skip for step in reference.script.steps)
    assert law.reference(ordinary(FACTS, 3), FACTS) is None


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.code)
def test_profile_quick_has_one_small_script_per_law_and_few_where_runs_differ_in_kind(law: Law) -> None:
    small = list(scripts(law))
    assert len(small) == SEVERAL.get(law, 1)
    for script in small:
        assert sum(tensor.size for tensor in script.tensors) < (40 if law is not SPARSE_GRADIENT else 50)
        assert len(script.steps) <= 5


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.code)
def test_wrapped_subjects_are_left_out_and_so_are_compiled_ones_where_runs_may_diverge(law: Law) -> None:
    assert law.applies(FACTS)
    assert not law.applies(replace(FACTS, interface="wrapped"))
    assert law.applies(replace(FACTS, mode="compiled")) is (law is STATE_MEMORY)


def test_a_plain_step_after_a_narrow_fused_one_is_not_judged() -> None:
    fused = replace(FACTS, mode="fused", modes=("single", "fused"))
    assert STATE_DICT_ACROSS_MODES.applies(fused)
    assert not STATE_DICT_ACROSS_MODES.applies(replace(fused, dtype="bfloat16"))
    assert not STATE_DICT_ACROSS_MODES.applies(replace(FACTS, mode="single"))


def test_a_fixed_learning_rate_is_not_changed() -> None:
    for law in (TENSOR_LEARNING_RATE, SCHEDULED_LEARNING_RATE):
        assert not law.applies(replace(FACTS, fixed_hyper={"lr": 0.1}))
        assert not law.applies(replace(FACTS, constant_hyper=("lr",)))
        assert not law.applies(replace(FACTS, accepted_hyper=frozenset()))


def test_rules_that_need_an_objective_do_not_have_one_gradient_per_step() -> None:
    needing = replace(FACTS, rule=rules.find("nesterov_lookahead"))
    assert not any(law.applies(needing) for law in (CLOSURE, SPARSE_GRADIENT, SKIPPED_STEP))


def test_an_entry_of_another_dtype_breaks_the_law_although_parameters_agree() -> None:
    def widened(trajectory: Trajectory) -> Trajectory:
        entries = tuple((replace(each[0], dtype="float64"), *each[1:]) for each in trajectory.entries)
        return replace(trajectory, entries=entries)

    for law in (STATE_DICT, COPY_AND_PICKLE, DEFAULT_DTYPE):
        (breach,) = checked(law, Diverging(widened)).breaches
        assert breach.output == "entries"
        assert "m of p0=5 elements of float64 on cpu, but should be 5 elements of float32 on cpu" in breach.message
        assert breach.expected_expression == "torch.float32"


def test_scalars_may_follow_the_default_dtype() -> None:
    def counted(dtype: str) -> Trajectory:
        trajectory = AdamInFloat32()(ordinary(FACTS, 3))
        return replace(
            trajectory, entries=tuple((*each, Entry("step", dtype, "cpu", 1)) for each in trajectory.entries)
        )

    def wide(trajectory: Trajectory) -> Trajectory:
        return counted("float64")

    assert checked(DEFAULT_DTYPE, Diverging(wide)).breaches == ()


@pytest.mark.parametrize(("calls", "returned", "outputs"), [(2, 0.5, ["calls"]), (1, float("nan"), ["loss"])])
def test_a_closure_called_twice_and_a_loss_not_returned_are_different_breaches(
    calls: int, returned: float, outputs: list[str]
) -> None:
    def change(trajectory: Trajectory) -> Trajectory:
        return replace(trajectory, calls=(calls,) * trajectory.steps, returned=(returned,) * trajectory.steps)

    assert [breach.output for breach in checked(CLOSURE, Diverging(change)).breaches] == outputs


@pytest.mark.parametrize(
    ("law", "step", "compared"),
    [(CLOSURE, 1, 1), (TENSOR_LEARNING_RATE, 0, 1), (SCHEDULED_LEARNING_RATE, 0, 0), (SPARSE_GRADIENT, 1, 1)],
)
def test_an_early_rejection_is_no_breach_and_a_later_exception_is(law: Law, step: int, compared: int) -> None:
    def raising(at: int) -> Diverging:
        return Diverging(
            lambda trajectory: replace(trajectory, fault=Fault("raised", "TypeError: not supported", at), steps=at)
        )

    assert checked(law, raising(step)) == CheckOutcome(compared)
    (breach,) = checked(law, raising(2)).breaches
    assert breach.output == "raised"


def test_gradients_of_the_sparse_script_have_an_empty_row_and_full_ones_and_the_last_has_no_entries() -> None:
    (script,) = scripts(SPARSE_GRADIENT)
    filled = []
    for tensor, gradient in zip(script.tensors, script.steps[0].gradients, strict=True):
        assert gradient is not None
        rows = expand(gradient, tensor.size, tensor.dtype).reshape(tensor.shape[0], -1)
        filled.append([bool(row.any()) for row in rows])
    for rows in filled[:-1]:
        assert rows == [number != EMPTY_ROW for number in range(len(rows))]
    assert not any(filled[-1])
    assert [tensor.gradient_layout for tensor in script.tensors] == ["", "", "", "overlapping", "overlapping"]


def test_a_lazy_optimizer_may_leave_rows_alone_but_not_move_them() -> None:
    def elsewhere(trajectory: Trajectory) -> Trajectory:
        trace = trajectory.traces[0]
        theta = np.array(trace.theta)
        theta[:, EMPTY_ROW * 3] += 0.5
        return replace(trajectory, traces=(replace(trace, theta=theta), *trajectory.traces[1:]))

    (breach,) = checked(SPARSE_GRADIENT, Diverging(elsewhere)).breaches
    assert breach.output == "theta"


def test_a_step_is_skipped_at_the_start_and_in_the_middle() -> None:
    (script,) = scripts(SKIPPED_STEP)
    assert [step.skip for step in script.steps] == [True, False, False, True, False]


def test_one_buffer_more_than_the_rule_has_states_breaks_the_law() -> None:
    def third(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        trajectory = AdamInFloat32()(script)
        entries = tuple((*each, replace(each[0], key="copy")) for each in trajectory.entries)
        return replace(trajectory, entries=entries)

    (breach,) = checked(STATE_MEMORY, third).breaches
    assert "elements stored for p0=15 (m, v, copy), but should be at most 10" in breach.message
    assert not STATE_MEMORY.applies(replace(FACTS, observed_states=frozenset({"m"})))
