"""Where two rules are one, and the input on which they part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest
from mpmath import mpf

from exam.exact import value
from exam.walks import DIGITS, GRADIENTS, HYPER, PRECISION, START, course, walked
from stepcheck_reference.alphabet import b, beta, g, lr, momentum, step_size, t, theta
from stepcheck_reference.rules import find


@pytest.fixture(autouse=True)
def sixty_digits() -> Iterator[None]:
    with mpmath.workdps(PRECISION):
        yield


HALVED = ("0.1", "0.1", "0.05", "0.05", "0.05", "0.05", "0.05", "0.05", "0.05")
"""Learning rates that change at step 3."""


def divergence(left: list[str], right: list[str]) -> int | None:
    """Return the first step after which the two differ, from 1."""
    return next((step for step, (one, other) in enumerate(zip(left, right, strict=True), 1) if one != other), None)


def test_momentum_with_lr_inside_is_torch_s_while_lr_stays_and_nothing_is_dampened() -> None:
    assert course("momentum_lr_inside") == course("momentum", dampening="0")


def test_momentum_with_lr_inside_parts_from_torch_s_at_the_step_where_lr_changes() -> None:
    inside, outside = course("momentum_lr_inside", rates=HALVED), course("momentum", dampening="0", rates=HALVED)
    assert divergence(inside, outside) == 3
    # What the buffer held before keeps its old rate.
    held = mpf(course("momentum", "b", dampening="0")[1])
    assert mpmath.almosteq(mpf(outside[2]) - mpf(inside[2]), mpf("0.05") * mpf(HYPER["momentum"]) * held, 1e-38)


def test_momentum_with_lr_inside_parts_from_torch_s_at_the_second_gradient_where_that_is_dampened() -> None:
    assert divergence(course("momentum_lr_inside"), course("momentum", dampening="0.3")) == 2


def test_an_average_is_torch_s_momentum_with_as_much_dampening_but_for_the_first_gradient() -> None:
    average = course("momentum_ema", "M", beta="0.9")
    buffer = course("momentum", "b", dampening="0.9", momentum="0.9")
    for step, (one, other) in enumerate(zip(average, buffer, strict=True), 1):
        # That one entered whole, so it weighs 0.9**step more, and fades.
        assert mpmath.almosteq(mpf(other) - mpf(one), mpf("0.9") ** step * mpf(GRADIENTS[0]), 1e-38)


SLOPES: tuple[Callable[[Fraction], Fraction], ...] = (
    lambda x: 4 * x - 1,
    lambda x: x**3 / 50 - x / 2,
    lambda x: Fraction(1) if x > 0 else Fraction(-2),
)
"""Gradients of a quadratic, of a double well, and of something with a kink."""

Slope = Callable[[Fraction], Fraction]

KEPT = Fraction(4, 5)
CONSTANT = (Fraction(1, 20),) * 8
FALLING = (*CONSTANT[:3], *(Fraction(1, 40),) * 5)


def iterated(name: str, rates: Sequence[Fraction], slope: Slope) -> list[dict[Any, Fraction]]:
    """Return what is held after each step on the objective whose gradient is ``slope``, in fractions."""
    rule = find(name)
    held = {theta: Fraction(3, 2)} | {state: Fraction(0) for state in rule.init}
    found = []
    for step, rate in enumerate(rates, 1):
        now = {**held, momentum: KEPT, beta: KEPT, lr: rate, t: Fraction(step), g: slope(held[theta])}
        held = {symbol: value(equation, now.__getitem__, slope) for symbol, equation in rule.step.items()}
        found.append(held)
    return found


@pytest.mark.parametrize("slope", SLOPES)
def test_nesterov_s_three_forms_are_one_iteration(slope: Slope) -> None:
    """Torch's holds the point that is looked ahead to: theta - lr*momentum*b of the one that looks."""
    torch, looking, difference = (
        iterated(name, CONSTANT, slope) for name in ("nesterov", "nesterov_lookahead", "nesterov_gradient_difference")
    )
    assert [held[theta] for held in torch] == [held[theta] - CONSTANT[0] * KEPT * held[b] for held in looking]
    assert [held[b] for held in torch] == [held[b] for held in looking]
    assert [held[theta] for held in torch] == [held[theta] for held in difference]
    assert torch[-1][theta] != looking[-1][theta]


@pytest.mark.parametrize("slope", SLOPES[:2])
def test_nesterov_s_forms_part_where_lr_changes(slope: Slope) -> None:
    """Torch's has stepped ahead with the old rate by then; the form with differences never looks ahead, and follows."""
    torch, looking, difference = (
        iterated(name, FALLING, slope) for name in ("nesterov", "nesterov_lookahead", "nesterov_gradient_difference")
    )
    following = (*FALLING[1:], FALLING[-1])
    ahead = [held[theta] - rate * KEPT * held[b] for held, rate in zip(looking, following, strict=True)]
    assert [held[theta] == seen for held, seen in zip(torch, ahead, strict=True)] == [True, True] + [False] * 6
    assert [held[theta] for held in torch] == [held[theta] for held in difference]


def test_sums_and_averages_of_squares_do_not_care_where_a_zero_epsilon_stands() -> None:
    for name in ("adagrad", "rmsprop", "adam"):
        assert divergence(course(name), course(f"{name}_eps_inside")) == 1
        assert course(name, eps="0") == course(f"{name}_eps_inside", eps="0")


def test_optax_s_adagrad_rests_where_others_divide_zero_by_zero() -> None:
    idle = ("0", "0", "1")
    rested = course("adagrad_optax", gradients=idle, eps="0")
    assert mpf(rested[0]) == mpf(rested[1]) == mpf(START)
    assert mpf(rested[2]) == mpf(START) - mpf(HYPER["lr"])
    with pytest.raises(ZeroDivisionError):
        course("adagrad_eps_inside", gradients=idle, eps="0")
    assert course("adagrad_optax", gradients=idle) == course("adagrad_eps_inside", gradients=idle)


def test_a_constant_gradient_leaves_a_centered_divisor_nothing_but_rounding() -> None:
    """The variance is g**2 * beta2**t * (1 - beta2**t), so that steps grow without end."""
    steps = list(walked(find("rmsprop_centered"), gradients=("3",) * 60))
    for count, held in enumerate(steps, 1):
        kept = mpf(HYPER["beta2"]) ** count
        assert mpmath.almosteq(held["v"] - held["a"] ** 2, 9 * kept * (1 - kept), 1e-38)
    moved = [before["theta"] - after["theta"] for before, after in pairwise(steps)]
    assert moved[-1] > 20 * moved[0]
    assert course("rmsprop", gradients=("3",) * 60)[-1] != course("rmsprop_centered", gradients=("3",) * 60)[-1]


def test_keras_adamax_is_torch_s_without_epsilon_only() -> None:
    assert course("adamax", eps="0") == course("adamax_keras", eps="0")
    assert divergence(course("adamax", "u"), course("adamax_keras", "u")) == 1
    assert divergence(course("adamax"), course("adamax_keras")) is not None


def test_adamax_without_epsilon_is_the_limit_of_larger_and_larger_powers() -> None:
    """The p-th root of the sum of beta2**(p*age) * |g|**p, which is Adam's divisor at p = 2."""
    last = mpf(course("adamax", "u", eps="0")[-1])
    found = []
    for power in (8, 64, 512):
        aged = enumerate(reversed(GRADIENTS))
        total = sum((mpf(HYPER["beta2"]) ** age * abs(mpf(d))) ** power for age, d in aged)
        found.append(mpmath.root(total, power))
    assert [abs(norm - last) for norm in found] == sorted((abs(norm - last) for norm in found), reverse=True)
    assert abs(found[-1] - last) < last / 10**6


def test_nadam_variants_differ_in_exponents_alone() -> None:
    assert divergence(course("nadam_fixed_beta"), course("nadam_ruder")) == 1
    for beta1 in ("0", "0.5"):
        same = course("nadam_fixed_beta", beta1=beta1) == course("nadam_ruder", beta1=beta1)
        assert same == (beta1 == "0")
    # Weighing both terms one power further apart is all: (1 - beta1**t)/(1 - beta1**(t + 1)) of the first.
    kept = mpf(HYPER["beta1"])
    shorter, longer = (mpf(course(name)[0]) - mpf(START) for name in ("nadam_fixed_beta", "nadam_ruder"))
    assert mpmath.almosteq(longer / shorter, (kept + 1) / (kept * (1 - kept) / (1 - kept**2) + 1), 1e-35)


def test_nadam_s_schedule_rises_to_the_fixed_momentum() -> None:
    assert course("nadam", momentum_decay="1e5") == course("nadam_fixed_beta")
    assert divergence(course("nadam"), course("nadam_fixed_beta")) == 1
    products = [mpf(product) for product in course("nadam", "mu_product")]
    factors = [mpf(products[0]), *(after / before for before, after in pairwise(products))]
    assert factors == sorted(factors)
    assert mpf(HYPER["beta1"]) / 2 < factors[0] < factors[-1] < mpf(HYPER["beta1"])


def test_radam_switches_where_rho_passes_five_and_the_paper_s_at_four() -> None:
    """With beta2 = 0.8, rho is 4.13 at step 5 and 5.29 at step 7."""
    assert divergence(course("radam"), course("radam_paper")) == 5
    assert divergence(course("radam"), course("radam_optax")) == 7
    assert course("radam", eps="0") == course("radam_optax", eps="0")


def test_radam_is_uncorrected_momentum_for_good_where_rho_never_gets_there() -> None:
    """With beta2 = 0.6, rho is at most 4, and the rectification would divide by zero."""
    plain = ["0"] * 9
    x = mpf(START)
    for step, held in enumerate(walked(find("radam"), beta2="0.6"), 1):
        x -= mpf(HYPER["lr"]) * held["m"] / (1 - mpf(HYPER["beta1"]) ** step)
        assert mpmath.nstr(held["theta"], DIGITS) == mpmath.nstr(x, DIGITS)
        plain[step - 1] = mpmath.nstr(x, DIGITS)
    assert course("radam_paper", beta2="0.6") == course("radam_optax", beta2="0.6") == plain
    assert set(course("radam_resting", beta2="0.6")) == {START}


def test_a_change_of_lr_reaches_asgd_s_parameters_one_step_late() -> None:
    assert divergence(course("asgd"), course("asgd", rates=HALVED)) == 4
    assert divergence(course("asgd", "eta"), course("asgd", "eta", rates=HALVED)) == 3
    assert divergence(course("sgd"), course("sgd", rates=HALVED)) == 3


@pytest.mark.parametrize("begin", [0, 1, 4, 20])
def test_asgd_s_average_is_of_the_parameters_from_step_t0_plus_2_on(begin: int) -> None:
    parameters, means = course("asgd", t0=str(begin)), course("asgd", "ax", t0=str(begin))
    for step, mean in enumerate(means, 1):
        averaged = [mpf(value) for value in parameters[min(begin + 1, step - 1) : step]]
        assert mpmath.almosteq(mpf(mean), sum(averaged) / len(averaged), 1e-35)


SIZES = {"lr": "0.1", "eta_minus": "0.5", "eta_plus": "1.25", "step_min": "0.04", "step_max": "0.18"}


@pytest.mark.parametrize(
    ("what", "signs", "sizes", "moves"),
    [
        ("growth", "++++", (0.1, 0.125, 0.15625, 0.18), "----"),
        ("a turn rests, and the next step neither grows nor shrinks", "+-++", (0.1, 0.05, 0.05, 0.0625), "-0--"),
        ("shrinkage ends at the floor", "+-+-+-", (0.1, 0.05, 0.05, 0.04, 0.04, 0.04), "-0-0-0"),
        ("a zero rests, and forgets the sign", "+0-0++", (0.1, 0.1, 0.1, 0.1, 0.1, 0.125), "-0+0--"),
    ],
)
def test_rprop_goes_by_signs(what: str, signs: str, sizes: tuple[float, ...], moves: str) -> None:
    given = [{"+": "2.5", "-": "-0.75", "0": "0"}[sign] for sign in signs]
    held = course("rprop", "step_size", gradients=given, **SIZES)
    assert [float(size) for size in held] == list(sizes), what
    path = [mpf(START), *map(mpf, course("rprop", gradients=given, **SIZES))]
    moved = [mpmath.nstr(after - before, 12) for before, after in pairwise(path)]
    factor = {"-": -1, "+": 1, "0": 0}
    assert moved == [mpmath.nstr(factor[move] * mpf(size), 12) for move, size in zip(moves, held, strict=True)], what


def test_rprop_clamps_at_the_first_step_too_and_reads_lr_once() -> None:
    assert float(course("rprop", "step_size", lr="5")[0]) == float(HYPER["step_max"])
    assert float(course("rprop", "step_size", lr="0.001")[0]) == float(HYPER["step_min"])
    assert course("rprop", rates=("0.1", *HALVED[1:])) == course("rprop")
    assert find("rprop").init[step_size] == lr


def test_rprop_sees_how_signs_agree_and_not_how_large_gradients_are() -> None:
    large = [str(mpf(gradient) * 2**20) for gradient in GRADIENTS]
    assert course("rprop", gradients=large) == course("rprop")
    assert course("rprop_optax", gradients=large) == course("rprop_optax")


def test_optax_s_rprop_takes_torch_s_steps_one_later_while_no_sign_turns() -> None:
    same = ("1", "2", "0.5", "0.25", "3")
    torch, lagging = course("rprop", gradients=same), course("rprop_optax", gradients=same)
    assert lagging == [START, *torch[:-1]]
    # Where a sign turns it takes neither step.
    turned = ("1", "2", "-0.5", "0.25", "3")
    path = course("rprop_optax", gradients=turned)
    assert path[2] == path[1]


def test_lion_weighs_its_direction_and_its_average_otherwise() -> None:
    signed = course("lion", weight_decay="0", beta1="0.8", gradients=GRADIENTS)
    averages = [mpf(average) for average in course("lion", "m", weight_decay="0", beta1="0.8")]
    x, expected = mpf(START), []
    for average in averages:
        x -= mpf(HYPER["lr"]) * mpmath.sign(average)
        expected.append(mpmath.nstr(x, 10))
    # With equal weights the direction is the sign of what is kept.
    assert [mpmath.nstr(mpf(value), 10) for value in signed] == expected
    assert divergence(signed, course("lion", weight_decay="0", beta1="0.2")) is not None
    assert course("lion", "m", beta1="0.2") == course("lion", "m", beta1="0.9")


def test_amsgrad_s_maximum_never_falls_but_torch_s_divisor_does() -> None:
    fading = ("1", "0", "0")
    kept = {"beta2": "0.999", "gradients": fading}
    largest = [mpf(value) for value in course("amsgrad", "v_max", **kept)]
    assert largest[0] == largest[1] == largest[2]
    divisors = [mpmath.sqrt(held / (1 - mpf("0.999") ** step)) for step, held in enumerate(largest, 1)]
    assert [round(float(divisor), 2) for divisor in divisors] == [1.0, 0.71, 0.58]
    optax = [mpf(value) for value in course("amsgrad_corrected_max", "v_max", **kept)]
    assert optax == sorted(optax)
