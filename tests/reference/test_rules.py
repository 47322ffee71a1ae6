"""Every rule against arithmetic written out by hand, to forty digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import pytest
import sympy
from mpmath import mpf

from exam.combinations import COMBINATIONS
from stepcheck_reference.alphabet import Symbol, g, t, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find

DIGITS = 40
GRADIENTS = ("1", "-0.25", "0.5", "0", "0.125")
HYPER = {
    "lr": "0.1",
    "beta": "0.6",
    "beta1": "0.7",
    "beta2": "0.8",
    "momentum": "0.9",
    "dampening": "0.3",
    "eps": "0.01",
    "weight_decay": "0.2",
}
START = "1.5"

Values = dict[str, Any]
Walk = Iterator[Values]


@pytest.fixture(autouse=True)
def sixty_digits() -> Iterator[None]:
    with mpmath.workdps(60):
        yield


def walked(rule: Rule) -> Walk:
    """Yield theta and every state after each step, by ASCII name, from the rule's own equations."""
    symbols = [theta, *rule.init, g, t, *rule.hyper]
    evaluate = sympy.lambdify(symbols, list(rule.step.values()), modules="mpmath")
    hyper = [mpf(HYPER[symbol.name]) for symbol in rule.hyper]
    now: dict[Symbol, Any] = {theta: mpf(START)} | {state: mpf(str(value)) for state, value in rule.init.items()}
    for count, gradient in enumerate(GRADIENTS, 1):
        new = evaluate(*(now[symbol] for symbol in (theta, *rule.init)), mpf(gradient), count, *hyper)
        now = dict(zip(rule.step, new, strict=True))
        yield {symbol.name: value for symbol, value in now.items()}


def gradients() -> Iterator[tuple[int, Any]]:
    return ((count, mpf(gradient)) for count, gradient in enumerate(GRADIENTS, 1))


def sgd(h: Values) -> Walk:
    x = mpf(START)
    for _, d in gradients():
        x = x - h["lr"] * d
        yield {"theta": x}


def momentum(h: Values) -> Walk:
    x, buffer = mpf(START), None
    for _, d in gradients():
        buffer = d if buffer is None else h["momentum"] * buffer + (1 - h["dampening"]) * d
        x = x - h["lr"] * buffer
        yield {"theta": x, "b": buffer}


def momentum_lr_inside(h: Values) -> Walk:
    x, fall = mpf(START), mpf(0)
    for _, d in gradients():
        fall = h["momentum"] * fall - h["lr"] * d
        x = x + fall
        yield {"theta": x, "velocity": -fall}


def momentum_ema(h: Values) -> Walk:
    x = mpf(START)
    seen: list[Any] = []
    for _, d in gradients():
        seen.append(d)
        average = sum((1 - h["beta"]) * h["beta"] ** age * past for age, past in enumerate(reversed(seen)))
        x = x - h["lr"] * average
        yield {"theta": x, "M": average}


def nesterov(h: Values) -> Walk:
    x = mpf(START)
    seen: list[Any] = []
    for _, d in gradients():
        seen.append(d)
        total = sum(h["momentum"] ** age * past for age, past in enumerate(reversed(seen)))
        x = x - h["lr"] * (d + h["momentum"] * total)
        yield {"theta": x, "b": total}


def moments(h: Values, seen: list[Any]) -> tuple[Any, Any]:
    """Return both raw moments as weighted sums over all gradients seen, not as recurrences."""
    ages = list(enumerate(reversed(seen)))
    first = (1 - h["beta1"]) * sum(h["beta1"] ** age * d for age, d in ages)
    second = (1 - h["beta2"]) * sum(h["beta2"] ** age * d * d for age, d in ages)
    return first, second


def corrected(h: Values, count: int) -> tuple[Any, Any]:
    """Return the sums of the weights, 1 - beta**t, added up term by term."""
    weights = [(1 - h[name]) * sum(h[name] ** age for age in range(count)) for name in ("beta1", "beta2")]
    return weights[0], weights[1]


def adam_like(
    divisor: Callable[[Values, Any, Any], Any],
    *,
    largest: str = "",
    seen_gradient: Callable[[Values, Any, Any], Any] = lambda h, x, d: d,
    shrunk: Callable[[Values, Any], Any] = lambda h, x: x,
    correct_first: bool = True,
) -> Callable[[Values], Walk]:
    """Return a walk that divides the first moment by ``divisor(h, moment, sum of weights)``."""

    def walk(h: Values) -> Walk:
        x, top = mpf(START), mpf(0)
        seen: list[Any] = []
        for count, d in gradients():
            seen.append(seen_gradient(h, x, d))
            first, second = moments(h, seen)
            weight1, weight2 = corrected(h, count)
            top = max(top, second / weight2 if largest == "corrected" else second)
            below = divisor(h, top if largest else second, weight2)
            x = shrunk(h, x) - h["lr"] * first / (weight1 if correct_first else 1) / below
            yield {"theta": x, "m": first, "v": second} | ({"v_max": top} if largest else {})

    return walk


def outside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight) + h["eps"]


def hat(h: Values, second: Any, weight: Any) -> Any:
    return (mpmath.sqrt(second) + h["eps"]) / mpmath.sqrt(weight)


def inside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight + h["eps"])


def raw(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second) + h["eps"]


BY_HAND: dict[str, Callable[[Values], Walk]] = {
    "sgd": sgd,
    "momentum": momentum,
    "momentum_lr_inside": momentum_lr_inside,
    "momentum_ema": momentum_ema,
    "nesterov": nesterov,
    "adam": adam_like(outside),
    "adam_eps_hat": adam_like(hat),
    "adam_eps_inside": adam_like(inside),
    "amsgrad": adam_like(outside, largest="raw"),
    "amsgrad_paper": adam_like(raw, largest="raw", correct_first=False),
    "amsgrad_corrected_max": adam_like(raw, largest="corrected"),
    "amsgrad_eps_hat": adam_like(hat, largest="raw"),
    "adamw": adam_like(outside, shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x),
    "adam_l2": adam_like(outside, seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam_l2+maximize": adam_like(outside, seen_gradient=lambda h, x, d: h["weight_decay"] * x - d),
    "adamw+maximize": adam_like(
        outside,
        seen_gradient=lambda h, x, d: -d,
        shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x,
    ),
    "amsgrad+coupled_decay": adam_like(outside, largest="raw", seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam+decoupled_decay_paper": adam_like(outside, shrunk=lambda h, x: x - h["weight_decay"] * x),
    "adam+no_bias_correction": adam_like(raw, correct_first=False),
}


def agree(left: Walk, right: Walk) -> bool:
    def shown(values: Values) -> dict[str, str]:
        return {name: mpmath.nstr(value, DIGITS) for name, value in sorted(values.items())}

    return [shown(values) for values in left] == [shown(values) for values in right]


def by_hand(name: str) -> Walk:
    return BY_HAND[name]({hyper: mpf(value) for hyper, value in HYPER.items()})


@pytest.mark.parametrize("name", BY_HAND)
def test_a_rule_agrees_with_arithmetic_written_by_hand(name: str) -> None:
    assert agree(walked(find(name)), by_hand(name))


def test_every_rule_has_arithmetic_written_by_hand() -> None:
    assert {rule.name for rule in ALL} <= set(BY_HAND)


def test_no_two_rules_agree_with_the_same_arithmetic() -> None:
    for first in BY_HAND:
        for second in BY_HAND:
            if first != second:
                assert not agree(walked(find(first)), by_hand(second)), (first, second)


def test_the_largest_moment_differs_from_the_last_one_here() -> None:
    assert any(values["v_max"] > values["v"] for values in walked(find("amsgrad")))


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_every_combination_moves_to_finite_numbers(name: str) -> None:
    steps = list(walked(COMBINATIONS[name]))
    assert len(steps) == len(GRADIENTS)
    for values in steps:
        assert set(values) == {"theta"} | {state.name for state in COMBINATIONS[name].states}
        assert all(mpmath.isfinite(value) for value in values.values())
    assert steps[0]["theta"] != mpf(START)


def test_torch_momentum_starts_with_the_whole_gradient_and_the_average_does_not() -> None:
    assert next(walked(find("momentum")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("nesterov")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("momentum_ema")))["M"] == (1 - mpf(HYPER["beta"])) * mpf(GRADIENTS[0])


def test_maximize_mirrors_a_rule_that_no_decay_pulls() -> None:
    for rule in ALL:
        if "weight_decay" in {symbol.name for symbol in rule.hyper}:
            continue
        start = mpf(START)
        down = [values["theta"] - start for values in walked(rule)]
        up = [values["theta"] - start for values in walked(find(f"{rule.name}+maximize"))]
        assert [mpmath.nstr(-move, DIGITS) for move in down] == [mpmath.nstr(move, DIGITS) for move in up]
