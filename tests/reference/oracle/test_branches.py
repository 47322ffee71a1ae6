"""Branches, signs, clamps, further forms, and initial values that no format can represent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exam.any_order import run
from exam.evaluation_orders import script_for
from exam.single_step import Reals, envelopes
from stepcheck_reference import rules
from stepcheck_reference.formats import BINARY32, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.oracle.judgement import DIVISOR, Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

DTYPES = ("float16", "bfloat16", "float32", "float64")
RPROP = {"lr": 0.1, "eta_minus": 0.5, "eta_plus": 1.25, "step_min": 1e-3, "step_max": 50.0}


def one_step(
    rule: Rule, dtype: str, hyper: dict[str, float], *, theta: float, g: float, after: float,
    old: dict[str, float], new: dict[str, float], arithmetic: Arithmetic | None = None,
) -> Judgement:  # fmt: skip
    """Judge one element's step from ``old`` states to ``new`` ones, both observed."""
    script = Script((Tensor((1,), dtype, Literal((theta,))),), (Group((0,), hyper),), (Step((Literal((g,)),)),))
    states = {name: np.array([[old[name]], [new[name]]]) for name in old}
    present = dict.fromkeys(old, np.ones(2, dtype=np.bool_))
    trace = Trace(np.array([[theta]]), np.array([[after]]), states, present, np.array([0.0, 1.0]))
    judgement = judge(rule, script, Trajectory((trace,), 1, None, tuple(old)), {dtype: arithmetic or plain(dtype)})
    # The step is one in the middle of a run, so its initial state is not judged.
    judgement.initials = ()
    return judgement


# Flags count only in the branch that is taken.


@pytest.mark.parametrize("name", ["radam", "radam_paper", "radam_optax", "radam_resting"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_division_by_zero_in_the_branch_that_is_not_taken_hides_nothing(name: str, dtype: str) -> None:
    """With beta2 = 0.6, rho_inf is 4 and the unused rectification divides by 0."""
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.6, "eps": 1e-8, "weight_decay": 0.1}
    rule = rules.find(name)
    hyper = {symbol.name: hyper[symbol.name] for symbol in rule.hyper}
    script = script_for(dtype, size=20, steps=12, hyper=hyper, regime="normal", scale=1.0, seed=2)
    judgement = judge(rule, script, run(rule, script, plain(dtype), seed=3), {dtype: plain(dtype)})
    assert judgement.compared == script.element_steps
    assert judgement.not_compared == {}
    assert judgement.conforms


def test_a_division_by_zero_in_the_branch_that_is_taken_is_counted() -> None:
    hyper = {"lr": 0.1, "eps": 0.0}
    script = script_for("float32", size=4, steps=1, hyper=hyper, regime="constant", scale=0.0, seed=2)
    for name, compared in (("adagrad_optax", 4), ("adagrad_eps_inside", 0)):
        rule = rules.find(name)
        judgement = judge(rule, script, run(rule, script, plain("float32"), seed=3), {"float32": plain("float32")})
        assert judgement.compared == compared
        assert judgement.not_compared.get(DIVISOR, 0) == 4 - compared
        assert judgement.conforms


def test_flags_are_per_element() -> None:
    """Rest where the sum of squares is 0; where it is not, the quotient is compared."""
    rule = rules.find("adagrad_optax")
    inputs: dict[str, Reals] = {"theta": np.ones(3), "g": np.array([0.0, 2.0, 0.0]), "h": np.array([0.0, 0.0, 1.0])}
    bound = envelopes(rule, inputs, "float32", hyper={"lr": 0.5, "eps": 0.0})["theta"]
    assert not bound.edge.any()
    assert bound.ball.value.tolist() == [1.0, 0.5, 1.0]
    assert bound.ball.radius is not None
    assert bound.ball.radius[0] < bound.ball.radius[1]


# Products whose sign decides.


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_exactly_zero_gradient_selects_its_branch(dtype: str) -> None:
    """z is 0 however it is rounded, so the step size stays and the parameter rests."""
    size = float(FORMATS[dtype].round(np.asarray(0.1)))
    rule, old = rules.find("rprop"), {"g_prev": 1.0, "step_size": size}

    def judged(new: float, after: float) -> Judgement:
        return one_step(
            rule, dtype, RPROP, theta=2.0, g=0.0, after=after, old=old, new={"g_prev": 0.0, "step_size": new}
        )

    assert judged(size, 2.0).conforms
    grown = float(FORMATS[dtype].round(np.asarray(size * 1.25)))
    assert [deviation.output for deviation in judged(grown, 2.0).breaks] == ["step_size"]
    assert [deviation.output for deviation in judged(size, 2.0 - size).breaks] == ["theta"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_zero_factor_selects_its_branch_although_the_other_factor_is_rounded(dtype: str) -> None:
    """At the first step there is no previous gradient, so the sign of the decayed one neither stays nor turns."""
    rule, form = rules.find("rprop+coupled_decay"), FORMATS[dtype]
    inputs: dict[str, Reals] = {"theta": np.ones(2), "g": np.full(2, 0.5), "g_prev": np.array([0.0, 1.0])}
    inputs["step_size"] = form.round(np.full(2, 0.1))
    bound = envelopes(rule, inputs, dtype, hyper={**RPROP, "weight_decay": 0.1})["step_size"].ball
    assert bound.radius is not None
    assert bound.value.tolist() == [inputs["step_size"][0], 1.25 * inputs["step_size"][0]]
    assert (bound.radius < 4 * form.unit_roundoff).all()


@pytest.mark.parametrize(("dtype", "small"), [("float16", 2.0**-14), ("bfloat16", 2.0**-80), ("float32", 2.0**-80)])
def test_a_product_that_underflows_leaves_both_branches_open(dtype: str, small: float) -> None:
    """g * g_prev may be 0 in the subject's format: the step size may grow or stay, but not shrink."""
    rule, size = rules.find("rprop"), float(FORMATS[dtype].round(np.asarray(0.1)))

    def judged(factor: float, gradient: float = small) -> Judgement:
        new = float(FORMATS[dtype].round(np.asarray(size * factor)))
        after = float(FORMATS[dtype].round(np.asarray(2.0 - new)))
        old = {"g_prev": gradient, "step_size": size}
        return one_step(
            rule, dtype, RPROP, theta=2.0, g=gradient, after=after, old=old, new={"g_prev": gradient, "step_size": new}
        )

    assert judged(1.25).conforms
    assert judged(1.0).conforms
    assert not judged(0.25).conforms
    assert judged(1.25, 0.5).conforms
    assert not judged(1.0, 0.5).conforms


def test_a_sign_may_be_either_where_rounding_determines_it() -> None:
    """In Lion's average 0.9*m and 0.1*g cancel up to rounding; without rounding it is 0."""
    rule, hyper = rules.find("lion"), {"lr": 0.5, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0}
    gradient, momentum = float(np.float32(0.9)), float(np.float32(-0.1))
    inputs: dict[str, Reals] = {
        "theta": np.zeros(3), "g": np.array([gradient, gradient, 0.0]), "m": np.array([momentum, 0.1, 0.0])
    }  # fmt: skip
    bound = envelopes(rule, inputs, "float32", hyper=hyper)["theta"].ball
    assert bound.radius is not None
    assert bound.radius[0] > 0.49
    assert abs(bound.value[0]) <= 0.5
    assert bound.radius[1] < 1e-6
    # A sum of zeros has sign 0, however it is rounded.
    assert (bound.value[2], bound.radius[2] < 1e-40) == (0.0, True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_clamp_may_round_its_bound_to_the_tensor_s_format(dtype: str) -> None:
    """0.001 is in neither format; a step size that rests there is as near as can be."""
    form, rule = FORMATS[dtype], rules.find("rprop")
    floor = float(form.round(np.asarray(0.001)))
    assert floor != 0.001
    old = {"g_prev": 1.0, "step_size": floor}
    new = {"g_prev": 0.0, "step_size": floor}
    assert one_step(rule, dtype, RPROP, theta=1.0, g=-1.0, after=1.0, old=old, new=new).conforms
    below = {"g_prev": 0.0, "step_size": floor / 2}
    assert not one_step(rule, dtype, RPROP, theta=1.0, g=-1.0, after=1.0, old=old, new=below).conforms
    # Kernels that compute in binary32 round once, when they store.
    fused = plain(dtype).with_(operations=BINARY32)
    assert one_step(rule, dtype, RPROP, theta=1.0, g=-1.0, after=1.0, old=old, new=new, arithmetic=fused).conforms


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_distant_bound_of_a_clamp_does_not_widen_the_radius(dtype: str) -> None:
    """50 rounds by 0.1 in bfloat16, which does not affect a step size of 0.01."""
    inputs: dict[str, Reals] = {"theta": np.zeros(4), "g": np.ones(4), "g_prev": np.zeros(4), "step_size": np.ones(4)}
    inputs["step_size"] = np.array([0.0078125, 1e-9, 64.0, 50.0])
    bound = envelopes(rules.find("rprop"), inputs, dtype, hyper=RPROP)["step_size"].ball
    assert bound.radius is not None
    assert bound.value.tolist() == [0.0078125, 1e-3, 50.0, 50.0]
    assert (bound.radius <= 4.0 * FORMATS[dtype].unit_roundoff * bound.value).all()
    # Where value and bound are as near as rounding, either may be the one that counts.
    assert bound.radius[3] >= FORMATS[dtype].unit_roundoff * 50 * (dtype in ("float16", "bfloat16"))


# Further forms.


@pytest.mark.parametrize("dtype", DTYPES)
def test_decay_added_to_the_direction_is_another_form_and_not_slack(dtype: str) -> None:
    """With lr*weight_decay = 1 the first form forgets theta, the other rounds lr*(direction + weight_decay*theta)."""
    rule, form, worst = rules.find("sgd+decoupled_decay"), FORMATS[dtype], 0.0

    def rd(value: float) -> float:
        return float(form.round(np.asarray(value)))

    for number in range(20):
        theta, g = rd(1.01 + number / 30), rd(0.0123 + number / 7000)
        step = {"theta": theta, "g": g, "after": rd(theta - rd(0.5 * rd(g + rd(2.0 * theta)))), "old": {}, "new": {}}

        def judged(arithmetic: Arithmetic, step: dict[str, object] = step) -> Judgement:
            return one_step(rule, dtype, {"lr": 0.5, "weight_decay": 2.0}, **step, arithmetic=arithmetic)  # type: ignore[arg-type]

        assert judged(plain(dtype)).conforms
        worst = max(worst, judged(plain(dtype).with_(forms=False)).worst["theta"].ratio)
    # In float64 the scalar 1 - lr*weight_decay cancels as much itself.
    assert worst > (0.5 if dtype == "float64" else 10.0)


@pytest.mark.parametrize("name", ["adamw", "lion", "asgd"])
def test_a_form_admits_no_other_rule(name: str) -> None:
    """Decay that is twice as large, or meant for the moments, is seen with all forms admitted."""
    rule = rules.find(name)
    usual = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1, "lambd": 0.1, "alpha": 0.75,
             "t0": 0.0}  # fmt: skip
    hyper = {symbol.name: usual[symbol.name] for symbol in rule.hyper}
    script = script_for("bfloat16", size=50, steps=8, hyper=hyper, regime="normal", scale=1.0, seed=3)
    twice = hyper | {key: 0.2 for key in ("weight_decay", "lambd") if key in hyper}
    wrong = replace(script, groups=(Group((0,), twice),))
    trajectory = run(rule, wrong, plain("bfloat16"), seed=1)
    assert judge(rule, script, trajectory, {"bfloat16": plain("bfloat16")}).worst["theta"].ratio > 1.5


# Initial values.

BETWEEN = 1.0 + 2.0**-8 + 2.0**-30
"""Rounded to bfloat16 directly it is 1 + 2**-7; through binary32, where it is halfway, it is 1."""


def started(
    name: str, dtype: str, hyper: dict[str, float], state: str, first: float, *, late: bool = False
) -> Judgement:
    """Judge a correct run whose state was ``first`` before the first step, or (``late``) did not exist yet."""
    rule = rules.find(name)
    script = script_for(dtype, size=5, steps=3, hyper=hyper, regime="signs", scale=1.0, seed=3)
    trajectory = run(rule, script, plain(dtype), seed=1)
    restarted = replace(script, groups=(Group((0,), hyper | {START[state]: first}),))
    (trace,) = run(rule, restarted, plain(dtype), seed=1).traces
    if late:
        present = {name: values.copy() for name, values in trace.present.items()}
        present[state][0] = False
        trace = replace(trace, present=present)
    return judge(rule, script, replace(trajectory, traces=(trace,)), {dtype: plain(dtype)})


START = {"h": "initial_accumulator", "step_size": "lr"}
SUMMED = {"lr": 0.1, "eps": 1e-8, "initial_accumulator": BETWEEN}


@pytest.mark.parametrize("late", [False, True])
def test_an_initial_value_may_be_rounded_once_or_through_binary32(late: bool) -> None:
    name, form = "adagrad+initial_accumulator", FORMATS["bfloat16"]
    once = float(form.round(np.asarray(BETWEEN)))
    twice = float(form.round(BINARY32.round(np.asarray(BETWEEN))))
    assert (once, twice) == (1.0 + 2.0**-7, 1.0)
    for first in (once, twice):
        assert started(name, "bfloat16", SUMMED, "h", first, late=late).conforms
    wrong = started(name, "bfloat16", SUMMED, "h", 1.0 + 2.0**-5, late=late)
    assert not wrong.conforms
    # An unobserved initial value shows in the next value.
    assert [entry.output for entry in (wrong.breaks if late else wrong.initials)] == ["h"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_size_starts_from_lr_rounded_to_the_format(dtype: str) -> None:
    form = FORMATS[dtype]
    first = float(form.round(np.asarray(0.1)))
    assert (first == 0.1) == (dtype == "float64")
    assert started("rprop", dtype, RPROP, "step_size", first).conforms
    nearby = first * (1 + 4 * form.unit_roundoff)
    (entry,) = started("rprop", dtype, RPROP, "step_size", nearby).initials
    assert (entry.output, entry.expected) == ("step_size", 0.1)
