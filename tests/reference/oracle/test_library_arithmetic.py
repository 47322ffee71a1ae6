"""The error terms that libraries other than torch need: sound with them, detected without them."""

from __future__ import annotations

import numpy as np
import pytest

from exam.evaluation_orders import run, script_for
from exam.library_orders import HABITS, OFF, SQUARED, Habit
from exam.single_step import envelopes
from exam.soundness import random_hyper
from stepcheck_reference.formats import BFLOAT16, BINARY32
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.rules import find

SCRIPTS = 20


def worst(habit: Habit, arithmetic: Arithmetic) -> tuple[float, int]:
    """Return the largest ratio over random scripts, and how many element-steps were compared."""
    generator = np.random.default_rng(11)
    largest, compared = 0.0, 0
    for number in range(SCRIPTS):
        hyper = habit.hyper or random_hyper(generator)
        regime = "tiny" if habit.tiny else ("normal", "uniform", "wide")[number % 3]
        script = script_for(
            habit.dtype, size=300, steps=habit.steps, hyper=hyper, regime=regime, scale=1.0, seed=number,
            at_zero=number % 5 > 0,
        )  # fmt: skip
        trajectory = run(habit.step, script, habit.arithmetic)
        judgement = judge(find(habit.rule), script, trajectory, {habit.dtype: arithmetic})
        largest = max(largest, *(deviation.ratio for deviation in judgement.worst.values()))
        compared += judgement.compared
    return largest, compared


@pytest.mark.parametrize("habit", [*HABITS, SQUARED], ids=lambda habit: habit.name)
def test_an_order_with_its_error_term_is_never_beyond_its_radius(habit: Habit) -> None:
    largest, compared = worst(habit, habit.arithmetic)
    assert compared > 0.5 * SCRIPTS * 300 * habit.steps
    assert 0.25 < largest <= 1.0


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name)
def test_an_order_without_its_error_term_is_detected(habit: Habit) -> None:
    assert worst(habit, habit.without)[0] > 1.0


def test_a_state_that_is_wider_than_its_parameter_is_judged_in_its_own_format() -> None:
    """The average is rounded to bfloat16 although the subject declares that it is stored in float32."""
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.1}
    script = script_for("bfloat16", size=50, steps=4, hyper=hyper, regime="normal", scale=1.0, seed=3)
    coarse = plain("bfloat16").with_(operations=BINARY32)
    trajectory = run(HABITS[3].step, script, coarse.with_(reciprocal_ulps=OFF + 0.5))
    for states, beyond in ((None, False), (BFLOAT16, False), (BINARY32, True)):
        arithmetic = coarse.with_(reciprocal_ulps=OFF + 0.5, states=states)
        judgement = judge(find("adam"), script, trajectory, {"bfloat16": arithmetic})
        assert (judgement.worst["m"].ratio > 1.0) is beyond
        assert judgement.worst["theta"].ratio <= 1.0


def test_a_complement_may_be_an_alpha_and_leaves_its_other_half_alone() -> None:
    """In beta1*m + (1 - beta1)*g what weighs g is an alpha, and what weighs m is not."""
    hyper = {"lr": 0.1, "beta1": 0.93, "beta2": 0.5, "eps": 1.0, "weight_decay": 0.0}
    rule = find("adam_l2")

    def radii(m: float, g: float) -> list[float]:
        inputs = {"theta": np.zeros(1), "g": np.array([g]), "m": np.array([m]), "v": np.zeros(1)}
        kinds = (frozenset[str](), frozenset({"1-beta1"}), frozenset({"beta1"}))
        declared = [plain("bfloat16").with_(alphas=alphas) for alphas in kinds]
        bounds = [envelopes(rule, inputs, "bfloat16", hyper=hyper, arithmetic=entry)["m"] for entry in declared]
        return [float(np.asarray(bound.ball.radius)[0]) for bound in bounds]

    none, complement, either = radii(0.0, 1.0)
    assert none < complement == either
    none, complement, either = radii(1.0, 0.0)
    assert none == complement < either


def test_a_counted_scalar_that_enters_as_a_tensor_is_rounded_as_one_and_others_are_not() -> None:
    inputs = {"theta": np.ones(1), "g": np.full(1, 0.3), "m": np.full(1, 0.7), "v": np.full(1, 0.9)}
    hyper = {"lr": 0.1, "beta1": 0.93, "beta2": 0.99, "eps": 0.1}
    radii = {}
    for form in (None, BINARY32, BFLOAT16):
        arithmetic = plain("bfloat16").with_(counted_entry=form)
        bounds = envelopes(find("adam"), inputs, "bfloat16", t=3.0, hyper=hyper, arithmetic=arithmetic)
        radii[form] = {name: float(np.asarray(bounds[name].ball.radius)[0]) for name in ("theta", "m", "v")}
    assert radii[None] == radii[BINARY32]
    assert radii[BFLOAT16]["theta"] > radii[None]["theta"]
    assert [radii[BFLOAT16][name] for name in "mv"] == [radii[None][name] for name in "mv"]


def test_powers_by_squaring_cost_up_to_a_rounding_a_step() -> None:
    inputs = {"theta": np.zeros(1), "g": np.ones(1), "m": np.ones(1), "v": np.ones(1)}
    hyper = {"lr": 1.0, "beta1": 0.99, "beta2": 0.25, "eps": 0.0}
    for t, least in ((2.0, 0), (3.0, 1), (101.0, 60)):
        radii = []
        for arithmetic in (SQUARED.without, SQUARED.arithmetic):
            bound = envelopes(find("adam"), inputs, "float32", t=t, hyper=hyper, arithmetic=arithmetic)["theta"]
            value = abs(bound.ball.value[0])
            radii.append(float(np.asarray(bound.ball.radius)[0]) / value * (1 - 0.99**t) / 0.99**t / 2.0**-24)
        assert radii[1] - radii[0] >= least
