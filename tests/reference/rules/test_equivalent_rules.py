"""Where two rules are equivalent, and the inputs on which they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest
from mpmath import mpf

from exam.exact import value
from exam.walks import DIGITS, GRADIENTS, HYPER, PRECISION, START, digits_of, walked
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


def test_momentum_with_lr_inside_is_torch_s_at_constant_lr_without_dampening() -> None:
    assert digits_of("momentum_lr_inside") == digits_of("momentum", dampening="0")


def test_momentum_with_lr_inside_differs_from_torch_s_from_the_step_where_lr_changes() -> None:
    inside, outside = digits_of("momentum_lr_inside", rates=HALVED), digits_of("momentum", dampening="0", rates=HALVED)
    assert divergence(inside, outside) == 3
    # The earlier content of the buffer keeps its old learning rate.
    buffer = mpf(digits_of("momentum", "b", dampening="0")[1])
    assert mpmath.almosteq(mpf(outside[2]) - mpf(inside[2]), mpf("0.05") * mpf(HYPER["momentum"]) * buffer, 1e-38)


def test_momentum_with_lr_inside_differs_from_torch_s_at_the_second_gradient_with_dampening() -> None:
    assert divergence(digits_of("momentum_lr_inside"), digits_of("momentum", dampening="0.3")) == 2


def test_an_average_is_torch_s_momentum_with_equal_dampening_except_for_the_first_gradient() -> None:
    average = digits_of("momentum_ema", "M", beta="0.9")
    buffer = digits_of("momentum", "b", dampening="0.9", momentum="0.9")
    for step, (one, other) in enumerate(zip(average, buffer, strict=True), 1):
        # The first gradient is not dampened: the difference is 0.9**step times it, and decays.
        assert mpmath.almosteq(mpf(other) - mpf(one), mpf("0.9") ** step * mpf(GRADIENTS[0]), 1e-38)


SLOPES: tuple[Callable[[Fraction], Fraction], ...] = (
    lambda x: 4 * x - 1,
    lambda x: x**3 / 50 - x / 2,
    lambda x: Fraction(1) if x > 0 else Fraction(-2),
)
"""Gradients of a quadratic, of a double well, and of something with a kink."""

Slope = Callable[[Fraction], Fraction]

MOMENTUM = Fraction(4, 5)
CONSTANT = (Fraction(1, 20),) * 8
FALLING = (*CONSTANT[:3], *(Fraction(1, 40),) * 5)


def iterated(name: str, rates: Sequence[Fraction], slope: Slope) -> list[dict[Any, Fraction]]:
    """Return theta and the states after each step on the objective with gradient ``slope``, in fractions."""
    rule = find(name)
    values = {theta: Fraction(3, 2)} | {state: Fraction(0) for state in rule.init}
    trace = []
    for step, rate in enumerate(rates, 1):
        old_values = {
            **values,
            momentum: MOMENTUM,
            beta: MOMENTUM,
            lr: rate,
            t: Fraction(step),
            g: slope(values[theta]),
        }
        values = {symbol: value(equation, old_values.__getitem__, slope) for symbol, equation in rule.step.items()}
        trace.append(values)
    return trace


@pytest.mark.parametrize("slope", SLOPES)
def test_the_three_forms_of_nesterov_are_equivalent(slope: Slope) -> None:
    """Torch's parameters are the look-ahead point, theta - lr*momentum*b of the look-ahead form."""
    torch, looking, difference = (
        iterated(name, CONSTANT, slope) for name in ("nesterov", "nesterov_lookahead", "nesterov_gradient_difference")
    )
    assert [values[theta] for values in torch] == [
        values[theta] - CONSTANT[0] * MOMENTUM * values[b] for values in looking
    ]
    assert [values[b] for values in torch] == [values[b] for values in looking]
    assert [values[theta] for values in torch] == [values[theta] for values in difference]
    assert torch[-1][theta] != looking[-1][theta]


@pytest.mark.parametrize("slope", SLOPES[:2])
def test_the_forms_of_nesterov_differ_where_lr_changes(slope: Slope) -> None:
    """Torch's form has already looked ahead with the old rate; the form with differences is equal to torch's."""
    torch, looking, difference = (
        iterated(name, FALLING, slope) for name in ("nesterov", "nesterov_lookahead", "nesterov_gradient_difference")
    )
    following = (*FALLING[1:], FALLING[-1])
    ahead = [values[theta] - rate * MOMENTUM * values[b] for values, rate in zip(looking, following, strict=True)]
    assert [values[theta] == point for values, point in zip(torch, ahead, strict=True)] == [True, True] + [False] * 6
    assert [values[theta] for values in torch] == [values[theta] for values in difference]


def test_the_place_of_a_zero_epsilon_does_not_matter() -> None:
    for name in ("adagrad", "rmsprop", "adam"):
        assert divergence(digits_of(name), digits_of(f"{name}_eps_inside")) == 1
        assert digits_of(name, eps="0") == digits_of(f"{name}_eps_inside", eps="0")


def test_optax_s_adagrad_does_not_move_where_other_forms_divide_zero_by_zero() -> None:
    idle = ("0", "0", "1")
    rested = digits_of("adagrad_optax", gradients=idle, eps="0")
    assert mpf(rested[0]) == mpf(rested[1]) == mpf(START)
    assert mpf(rested[2]) == mpf(START) - mpf(HYPER["lr"])
    with pytest.raises(ZeroDivisionError):
        digits_of("adagrad_eps_inside", gradients=idle, eps="0")
    assert digits_of("adagrad_optax", gradients=idle) == digits_of("adagrad_eps_inside", gradients=idle)


def test_the_centered_divisor_of_a_constant_gradient_goes_to_zero() -> None:
    """The variance is g**2 * beta2**t * (1 - beta2**t), so that steps grow without end."""
    steps = list(walked(find("rmsprop_centered"), gradients=("3",) * 60))
    for count, values in enumerate(steps, 1):
        decay = mpf(HYPER["beta2"]) ** count
        assert mpmath.almosteq(values["v"] - values["a"] ** 2, 9 * decay * (1 - decay), 1e-38)
    steps_taken = [before["theta"] - after["theta"] for before, after in pairwise(steps)]
    assert steps_taken[-1] > 20 * steps_taken[0]
    assert digits_of("rmsprop", gradients=("3",) * 60)[-1] != digits_of("rmsprop_centered", gradients=("3",) * 60)[-1]


def test_keras_adamax_is_torch_s_without_epsilon_only() -> None:
    assert digits_of("adamax", eps="0") == digits_of("adamax_keras", eps="0")
    assert divergence(digits_of("adamax", "u"), digits_of("adamax_keras", "u")) == 1
    assert divergence(digits_of("adamax"), digits_of("adamax_keras")) is not None


def test_adamax_without_epsilon_is_the_limit_of_larger_and_larger_powers() -> None:
    """The p-th root of the sum of beta2**(p*age) * |g|**p, which is Adam's divisor at p = 2."""
    last = mpf(digits_of("adamax", "u", eps="0")[-1])
    norms = []
    for power in (8, 64, 512):
        aged = enumerate(reversed(GRADIENTS))
        total = sum((mpf(HYPER["beta2"]) ** age * abs(mpf(d))) ** power for age, d in aged)
        norms.append(mpmath.root(total, power))
    assert [abs(norm - last) for norm in norms] == sorted((abs(norm - last) for norm in norms), reverse=True)
    assert abs(norms[-1] - last) < last / 10**6


def test_nadam_variants_differ_in_exponents_alone() -> None:
    assert divergence(digits_of("nadam_fixed_beta"), digits_of("nadam_ruder")) == 1
    for beta1 in ("0", "0.5"):
        same = digits_of("nadam_fixed_beta", beta1=beta1) == digits_of("nadam_ruder", beta1=beta1)
        assert same == (beta1 == "0")
    # Weighing both terms one power further apart is all: (1 - beta1**t)/(1 - beta1**(t + 1)) of the first.
    beta = mpf(HYPER["beta1"])
    shorter, longer = (mpf(digits_of(name)[0]) - mpf(START) for name in ("nadam_fixed_beta", "nadam_ruder"))
    assert mpmath.almosteq(longer / shorter, (beta + 1) / (beta * (1 - beta) / (1 - beta**2) + 1), 1e-35)


def test_nadam_s_schedule_increases_to_the_fixed_momentum() -> None:
    assert digits_of("nadam", momentum_decay="1e5") == digits_of("nadam_fixed_beta")
    assert divergence(digits_of("nadam"), digits_of("nadam_fixed_beta")) == 1
    products = [mpf(product) for product in digits_of("nadam", "mu_product")]
    factors = [mpf(products[0]), *(after / before for before, after in pairwise(products))]
    assert factors == sorted(factors)
    assert mpf(HYPER["beta1"]) / 2 < factors[0] < factors[-1] < mpf(HYPER["beta1"])


def test_radam_switches_where_rho_passes_five_and_the_paper_s_at_four() -> None:
    """With beta2 = 0.8, rho is 4.13 at step 5 and 5.29 at step 7."""
    assert divergence(digits_of("radam"), digits_of("radam_paper")) == 5
    assert divergence(digits_of("radam"), digits_of("radam_optax")) == 7
    assert digits_of("radam", eps="0") == digits_of("radam_optax", eps="0")


def test_radam_stays_unrectified_momentum_if_rho_never_reaches_the_threshold() -> None:
    """With beta2 = 0.6, rho is at most 4, and the rectification would divide by zero."""
    plain = ["0"] * 9
    x = mpf(START)
    for step, values in enumerate(walked(find("radam"), beta2="0.6"), 1):
        x -= mpf(HYPER["lr"]) * values["m"] / (1 - mpf(HYPER["beta1"]) ** step)
        assert mpmath.nstr(values["theta"], DIGITS) == mpmath.nstr(x, DIGITS)
        plain[step - 1] = mpmath.nstr(x, DIGITS)
    assert digits_of("radam_paper", beta2="0.6") == digits_of("radam_optax", beta2="0.6") == plain
    assert set(digits_of("radam_resting", beta2="0.6")) == {START}


def test_a_change_of_lr_reaches_asgd_s_parameters_one_step_late() -> None:
    assert divergence(digits_of("asgd"), digits_of("asgd", rates=HALVED)) == 4
    assert divergence(digits_of("asgd", "eta"), digits_of("asgd", "eta", rates=HALVED)) == 3
    assert divergence(digits_of("sgd"), digits_of("sgd", rates=HALVED)) == 3


@pytest.mark.parametrize("begin", [0, 1, 4, 20])
def test_asgd_s_average_is_of_the_parameters_from_step_t0_plus_2_on(begin: int) -> None:
    parameters, means = digits_of("asgd", t0=str(begin)), digits_of("asgd", "ax", t0=str(begin))
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
def test_rprop_follows_signs(what: str, signs: str, sizes: tuple[float, ...], moves: str) -> None:
    gradients = [{"+": "2.5", "-": "-0.75", "0": "0"}[sign] for sign in signs]
    step_sizes = digits_of("rprop", "step_size", gradients=gradients, **SIZES)
    assert [float(size) for size in step_sizes] == list(sizes), what
    path = [mpf(START), *map(mpf, digits_of("rprop", gradients=gradients, **SIZES))]
    differences = [mpmath.nstr(after - before, 12) for before, after in pairwise(path)]
    factor = {"-": -1, "+": 1, "0": 0}
    assert differences == [
        mpmath.nstr(factor[move] * mpf(size), 12) for move, size in zip(moves, step_sizes, strict=True)
    ], what


def test_rprop_clamps_at_the_first_step_too_and_reads_lr_once() -> None:
    assert float(digits_of("rprop", "step_size", lr="5")[0]) == float(HYPER["step_max"])
    assert float(digits_of("rprop", "step_size", lr="0.001")[0]) == float(HYPER["step_min"])
    assert digits_of("rprop", rates=("0.1", *HALVED[1:])) == digits_of("rprop")
    assert find("rprop").init[step_size] == lr


def test_rprop_depends_on_signs_and_not_on_magnitudes() -> None:
    large = [str(mpf(gradient) * 2**20) for gradient in GRADIENTS]
    assert digits_of("rprop", gradients=large) == digits_of("rprop")
    assert digits_of("rprop_optax", gradients=large) == digits_of("rprop_optax")


def test_optax_s_rprop_takes_torch_s_steps_one_later_while_no_sign_turns() -> None:
    same = ("1", "2", "0.5", "0.25", "3")
    torch, lagging = digits_of("rprop", gradients=same), digits_of("rprop_optax", gradients=same)
    assert lagging == [START, *torch[:-1]]
    # Where a sign turns, neither step is taken.
    turned = ("1", "2", "-0.5", "0.25", "3")
    path = digits_of("rprop_optax", gradients=turned)
    assert path[2] == path[1]


def test_lion_has_different_weights_for_its_direction_and_its_average() -> None:
    signed = digits_of("lion", weight_decay="0", beta1="0.8", gradients=GRADIENTS)
    averages = [mpf(average) for average in digits_of("lion", "m", weight_decay="0", beta1="0.8")]
    x, expected = mpf(START), []
    for average in averages:
        x -= mpf(HYPER["lr"]) * mpmath.sign(average)
        expected.append(mpmath.nstr(x, 10))
    # With equal weights the direction is the sign of the average.
    assert [mpmath.nstr(mpf(value), 10) for value in signed] == expected
    assert divergence(signed, digits_of("lion", weight_decay="0", beta1="0.2")) is not None
    assert digits_of("lion", "m", beta1="0.2") == digits_of("lion", "m", beta1="0.9")


def test_amsgrad_s_maximum_never_decreases_but_torch_s_divisor_does() -> None:
    fading = ("1", "0", "0")
    settings = {"beta2": "0.999", "gradients": fading}
    largest = [mpf(value) for value in digits_of("amsgrad", "v_max", **settings)]
    assert largest[0] == largest[1] == largest[2]
    divisors = [mpmath.sqrt(maximum / (1 - mpf("0.999") ** step)) for step, maximum in enumerate(largest, 1)]
    assert [round(float(divisor), 2) for divisor in divisors] == [1.0, 0.71, 0.58]
    optax = [mpf(value) for value in digits_of("amsgrad_corrected_max", "v_max", **settings)]
    assert optax == sorted(optax)
