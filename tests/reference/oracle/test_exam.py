"""The oracle's own exam: its centres are exact, its radii sound, and wrong arithmetic is beyond them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

from exam import any_order
from exam.evaluation_orders import ORDERS, WRONG, counter_frozen_at_256, run, script_for
from exam.single_step import WIDE, envelopes, hyper_of, prepared, random_inputs
from exam.soundness import ARITHMETICS, examples, in_any_order, pairs
from stepcheck_reference import rules
from stepcheck_reference.alphabet import g, lr, theta
from stepcheck_reference.domain import Domain
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.enclosure import confirms, enclose
from stepcheck_reference.oracle.envelope.ball import CENTRE
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.extended import PRECISION, backend, exact
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.rule import Rule

ENCLOSED = [rule.name for rule in rules.ALL] + [
    "amsgrad+decoupled_decay+maximize",
    "momentum+coupled_decay+maximize",
    "nesterov+coupled_decay",
    "adam+decoupled_decay_paper",
    "adam+eps_root",
    "adagrad+lr_decay+coupled_decay",
    "nadam+decoupled_decay+maximize",
    "radam+coupled_decay",
    "rmsprop_centered_momentum+eps_inside+lr_inside",
    "rprop+maximize",
]

WIDE_UNIT = 2.0**-PRECISION
ADAM = rules.find("adam")


def exactly(values: object) -> list[Fraction]:
    """Return 113-bit values as fractions: each is the sum of three binary64 parts."""
    total = [Fraction(0)] * len(values)  # type: ignore[arg-type]
    rest = values
    for _ in range(3):
        part = WIDE.lower(rest)
        total = [partial + Fraction(float(x)) for partial, x in zip(total, part, strict=True)]
        rest = rest - WIDE.lift(part)  # type: ignore[operator]
    return total


@pytest.mark.parametrize("name", ENCLOSED)
def test_the_wide_centre_is_arb_s_to_a_few_of_its_113_bits(name: str) -> None:
    rule = rules.find(name)
    inputs = random_inputs(rule, 4, seed=1)
    for t in (1.0, 7.0, 300.0):
        bounds = envelopes(rule, inputs, "float64", t=t)
        scalars = prepared(rule, t=t, arithmetic=plain("float64")).scalars
        scalar_outputs = program_of(rule).scalar_outputs
        for index in range(4):
            point = {key: float(values[index]) for key, values in inputs.items()} | hyper_of(rule) | {"t": t}
            for output, ball in enclose(rule, point).items():
                if output in scalar_outputs:
                    centre, radius = (
                        exactly(scalars[scalar_outputs[output]].centre)[0],
                        float(scalars[scalar_outputs[output]].radius[0]),
                    )
                else:
                    bound = bounds[output].ball
                    assert bound.centre is not None
                    centre, radius = exactly(bound.centre)[index], float(np.asarray(bound.radius)[index])
                # Scale by the radius: relative to float64's own rounding, the wide centre errs 2**-60 as much.
                middle = Fraction(int(ball.mid().fmpq().p), int(ball.mid().fmpq().q))
                allowed = Fraction(radius) * Fraction(WIDE_UNIT / 2.0**-53) * 64
                assert abs(centre - middle) <= allowed + Fraction(1, 2**200), (output, t)


@pytest.mark.parametrize("name", ENCLOSED)
def test_the_narrow_centre_errs_less_than_its_share_of_the_radius(name: str) -> None:
    rule = rules.find(name)
    inputs = random_inputs(rule, 4, seed=2)
    for dtype in ("float16", "bfloat16", "float32"):
        bounds = envelopes(rule, inputs, dtype)
        for index in range(4):
            point = {key: float(values[index]) for key, values in inputs.items()} | hyper_of(rule) | {"t": 3.0}
            for output, ball in enclose(rule, point, outputs=tuple(bounds)).items():
                bound = bounds[output]
                radius = float(np.asarray(bound.ball.radius)[index])
                if np.isfinite(radius) and radius > 0 and not bound.out_of_range[index]:
                    error = abs(float((ball - float(bound.ball.value[index])).mid()))
                    assert error <= radius * 2.0**-53 / plain(dtype).storage.unit_roundoff * 64, (dtype, output)


def test_the_centre_of_another_rule_is_distinguished() -> None:
    """The tolerance of the tests above is far below the difference between any two rules."""
    inputs = random_inputs(rules.find("radam"), 6, seed=1)
    for name, other in (("radam", "radam_optax"), ("nadam_ruder", "nadam_fixed_beta"), ("adam", "adam_eps_hat")):
        bound = envelopes(rules.find(name), inputs, "float64", t=300.0)["theta"].ball
        for index in range(6):
            point = {key: float(values[index]) for key, values in inputs.items()} | hyper_of(rules.find(name))
            ball = enclose(rules.find(other), point | {"t": 300.0})["theta"]
            middle = Fraction(int(ball.mid().fmpq().p), int(ball.mid().fmpq().q))
            allowed = Fraction(float(np.asarray(bound.radius)[index])) * Fraction(WIDE_UNIT / 2.0**-53) * 64
            assert abs(exactly(bound.centre)[index] - middle) > 1000 * allowed


@pytest.mark.parametrize("name", ["sgd", "momentum", "momentum_lr_inside", "momentum_ema", "nesterov"])
def test_a_linear_rule_s_centre_is_the_exact_rational_result(name: str) -> None:
    rule = rules.find(name)
    inputs = random_inputs(rule, 8, seed=3)
    bounds = envelopes(rule, inputs, "float64", t=2.0)
    for index in range(8):
        point = {key: Fraction(float(values[index])) for key, values in inputs.items()}
        point |= {key: Fraction(value) for key, value in hyper_of(rule).items()} | {"t": Fraction(2)}
        exact_point = {
            symbol: sympy.Rational(point[symbol.name].numerator, point[symbol.name].denominator)
            for expression in rule.step.values()
            for symbol in expression.free_symbols
        }
        for symbol, expression in rule.step.items():
            result = expression.xreplace(exact_point).doit()
            bound = bounds[symbol.name].ball
            assert bound.centre is not None
            centre = exactly(bound.centre)[index]
            size = sum(abs(value) for value in point.values())
            assert abs(centre - Fraction(int(result.p), int(result.q))) <= size * Fraction(WIDE_UNIT) * 16


@pytest.mark.parametrize(
    "constant", [sympy.Rational(1, 3), sympy.Rational(1, 10), sympy.pi, sympy.sqrt(2), sympy.Float("0.96", 40)]
)
def test_no_constant_is_contaminated_by_float64(constant: sympy.Expr) -> None:
    rule = Rule(
        "scaled_sgd", title="SGD with a constant in it.", source="this test", step={theta: theta - lr * (constant * g)},
        domains={lr: Domain(0)},
    )  # fmt: skip
    inputs = {"theta": np.zeros(1), "g": np.array([-1.0])}
    bounds = envelopes(rule, inputs, "float64", hyper={"lr": 1.0})
    centre = bounds["theta"].ball.centre
    assert centre is not None
    truth = Fraction(str(sympy.N(constant, 60)))
    assert abs(exactly(centre)[0] - truth) < Fraction(1, 10**33)
    # A float64 constant would be off by far more than that.
    assert abs(Fraction(float(truth)) - truth) > Fraction(1, 10**20)


@pytest.mark.parametrize(("order", "dtype"), pairs(), ids=lambda value: getattr(value, "name", value))
def test_right_arithmetic_is_never_beyond_its_radius(order, dtype) -> None:  # type: ignore[no-untyped-def]
    tally = examples(order, dtype, seed=20, size=400, steps=10, count=20)
    assert tally.compared >= 40_000
    assert max(tally.worst.values()) <= 1.0
    # A radius many times too large would pass the line above and see nothing.
    assert max(tally.worst["m"], tally.worst["v"], tally.worst["theta"]) > 0.7


IN_ANY_ORDER = [rule.name for rule in rules.ALL] + [
    "adagrad+initial_accumulator+lr_decay+coupled_decay+maximize",
    "adam+eps_root",
    "adamax+coupled_decay",
    "amsgrad+decoupled_decay+maximize",
    "asgd+coupled_decay",
    "momentum+coupled_decay+maximize",
    "nadam+decoupled_decay+maximize",
    "nesterov_lookahead+decoupled_decay",
    "radam+decoupled_decay",
    "rmsprop_centered_momentum+eps_inside+lr_inside",
    "rprop+maximize",
]


@pytest.mark.parametrize("name", IN_ANY_ORDER)
def test_a_rule_computed_in_any_order_is_never_beyond_its_radius(name: str) -> None:
    rule, tight, compared, skipped = rules.find(name), 0.0, 0, 0
    for seed, (label, arithmetic) in enumerate(ARITHMETICS.items()):
        for dtype in ("float16", "bfloat16", "float32", "float64"):
            if label == "binary32 operations" and dtype in ("float32", "float64"):
                continue
            # Two regimes of gradients an arithmetic, so that all six of them come up.
            tally = in_any_order(rule, dtype, arithmetic(dtype), seed=2 * seed, size=100, steps=7, count=2)
            compared, skipped = compared + tally.compared, skipped + tally.skipped
            assert max(tally.worst.values()) <= 1.0, (label, dtype, tally)
            assert set(tally.worst) == {"theta"} | {symbol.name for symbol in (*rule.states, *rule.scalars)}
            tight = max(tight, tally.worst["theta"])
    assert tight > 0.5
    assert compared > 3 * skipped


DISTINGUISHED = [
    ("nesterov", "momentum+maximize"), ("nesterov_ema", "momentum_ema"), ("adagrad", "adagrad_eps_inside"),
    ("adagrad_optax", "adagrad"), ("rmsprop", "rmsprop_eps_inside"),
    ("rmsprop_centered", "rmsprop_centered_eps_inside"), ("rmsprop_momentum+lr_inside", "rmsprop_momentum"),
    ("rmsprop_momentum", "rmsprop_momentum+eps_inside"),
    ("adamax", "adamax_keras"), ("nadam_fixed_beta", "nadam_ruder"), ("nadam_ruder", "adam"), ("radam", "radam_optax"),
    ("radam_paper", "radam"), ("radam_resting", "radam+decoupled_decay"), ("adam+eps_root", "adam"),
    ("adagrad+lr_decay", "adagrad"), ("adam+no_first_correction", "adam"), ("sign_sgd", "sgd"),
]  # fmt: skip
"""What was computed, and as what it was judged."""


@pytest.mark.parametrize(("computed", "judged"), DISTINGUISHED)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_rule_is_beyond_the_radius_of_its_neighbour(computed: str, judged: str, dtype: str) -> None:
    rule, other = rules.find(computed), rules.find(judged)
    usual = {"lr": 0.1, "beta1": 0.7, "beta2": 0.8, "eps": 0.1, "eps_root": 0.1, "lr_decay": 0.1, "momentum": 0.9,
             "dampening": 0.0, "beta": 0.9, "weight_decay": 0.1}  # fmt: skip
    hyper = {symbol.name: usual[symbol.name] for symbol in {*rule.hyper, *other.hyper}}
    script = script_for(dtype, size=50, steps=8, hyper=hyper, regime="normal", scale=0.0625, seed=9, at_zero=True)
    trajectory = any_order.run(rule, script, plain(dtype), seed=1)
    assert judge(rule, script, trajectory, {dtype: plain(dtype)}).conforms
    judgement = judge(other, script, trajectory, {dtype: plain(dtype)})
    assert max(deviation.ratio for deviation in judgement.worst.values()) > 2.0


VISIBLE = {
    "eps_inside": ("float16", "bfloat16", "float32", "float64"),
    "eps_hat": ("float16", "bfloat16", "float32", "float64"),
    "no_second_correction": ("float16", "bfloat16", "float32", "float64"),
    "swapped_betas": ("float16", "bfloat16", "float32", "float64"),
}
"""Where each wrong variant can be seen."""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda order: order.__name__)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_wrong_arithmetic_is_beyond_its_radius(wrong, dtype: str) -> None:  # type: ignore[no-untyped-def]
    assert dtype in VISIBLE[wrong.__name__]
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.1}
    script = script_for(dtype, size=200, steps=8, hyper=hyper, regime="normal", scale=0.25, seed=5, at_zero=True)
    arithmetic = plain(dtype)
    judgement = judge(ADAM, script, run(wrong, script, arithmetic), {dtype: arithmetic})
    assert judgement.worst["theta"].ratio > 2.0
    assert confirms(ADAM, judgement.worst["theta"])


def test_an_enclosure_confirms_no_deviation_within_the_radius() -> None:
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.1}
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        script = script_for(dtype, size=200, steps=8, hyper=hyper, regime="normal", scale=0.25, seed=5)
        judgement = judge(ADAM, script, run(ORDERS[0].step, script, plain(dtype)), {dtype: plain(dtype)})
        assert not any(confirms(ADAM, deviation) for deviation in judgement.worst.values())


def test_a_step_counter_frozen_at_256_is_seen_at_step_300_in_bfloat16() -> None:
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    script = script_for("bfloat16", size=300, steps=300, hyper=hyper, regime="normal", scale=1.0, seed=6, at_zero=True)
    arithmetic = plain("bfloat16")
    right = judge(ADAM, script, run(ORDERS[0].step, script, arithmetic), {"bfloat16": arithmetic})
    wrong = judge(ADAM, script, run(counter_frozen_at_256, script, arithmetic), {"bfloat16": arithmetic})
    assert right.conforms
    assert right.compared == 90_000
    assert wrong.worst["theta"].ratio > 1.0
    assert wrong.worst["theta"].step > 256


@pytest.mark.parametrize("wrong", WRONG, ids=lambda order: order.__name__)
def test_wrong_arithmetic_is_still_beyond_its_radius_after_300_steps_in_bfloat16(wrong) -> None:  # type: ignore[no-untyped-def]
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 0.1}
    script = script_for("bfloat16", size=50, steps=300, hyper=hyper, regime="normal", scale=0.25, seed=7, at_zero=True)
    arithmetic = plain("bfloat16")
    trajectory = run(wrong, script, arithmetic)
    judgement = judge(ADAM, script, trajectory, {"bfloat16": arithmetic})
    assert max(deviation.ratio for deviation in judgement.worst.values()) > 2.0


def test_gmpy2_stands_in_for_quaddtype_with_the_same_verdict() -> None:
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    script = script_for("float64", size=30, steps=4, hyper=hyper, regime="normal", scale=1.0, seed=8)
    arithmetic = plain("float64")
    trajectory = run(ORDERS[0].step, script, arithmetic)
    quad = judge(ADAM, script, trajectory, {"float64": arithmetic}, wide="numpy-quaddtype")
    mpfr = judge(ADAM, script, trajectory, {"float64": arithmetic}, wide="gmpy2")
    assert quad.compared == mpfr.compared == 120
    for output, deviation in quad.worst.items():
        other = mpfr.worst[output]
        assert (deviation.step, deviation.index) == (other.step, other.index)
        assert abs(deviation.ratio - other.ratio) <= CENTRE


@pytest.mark.parametrize("name", ["numpy-quaddtype", "gmpy2"])
def test_exact_holds_a_third_to_113_bits(name: str) -> None:
    wide = backend(name)
    third = exact(Fraction(1, 3), wide)
    gap = third * wide.lift(np.array(3.0)) - wide.lift(np.array(1.0))
    assert abs(float(wide.lower(np.asarray(gap)))) <= 2 * WIDE_UNIT
