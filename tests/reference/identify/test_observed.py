"""Observed code: it is named by its steps alone, rightly, or by no name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sympy import Symbol

from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.identify.observation import ConstantRate, Experiment, identify_observed
from stepcheck_reference.identify.observation.observed_runs import MOST_STEPS
from stepcheck_reference.reading.reading import Path, Reading

Code = Callable[[dict[str, Any], float, float, int, dict[str, float]], float]
"""Takes states, theta, g, t and hyper-parameters; returns the new theta and leaves the new states."""


def adam(state: dict[str, Any], theta: float, g: float, t: int, h: dict[str, float]) -> float:
    m, v = _moments(state, g, h)
    return theta - h["lr"] * m / (1 - h["beta1"] ** t) / (math.sqrt(v / (1 - h["beta2"] ** t)) + h["eps"])


def eps_inside(state: dict[str, Any], theta: float, g: float, t: int, h: dict[str, float]) -> float:
    m, v = _moments(state, g, h)
    return theta - h["lr"] * m / (1 - h["beta1"] ** t) / math.sqrt(v / (1 - h["beta2"] ** t) + h["eps"])


def own_numbers(state: dict[str, Any], theta: float, g: float, t: int, h: dict[str, float]) -> float:
    return adam(state, theta, g, t, {**h, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8})


def heavy_ball(state: dict[str, Any], theta: float, g: float, t: int, h: dict[str, float]) -> float:
    state["b"] = h["friction"] * state.get("b", 0.0) + g
    return theta - h["lr"] * state["b"]


def clipped(state: dict[str, Any], theta: float, g: float, t: int, h: dict[str, float]) -> float:
    return adam(state, theta, max(-1.0, min(1.0, g)), t, h)


def _moments(state: dict[str, Any], g: float, h: dict[str, float]) -> tuple[float, float]:
    state["m"] = h["beta1"] * state.get("m", 0.0) + (1 - h["beta1"]) * g
    state["v"] = h["beta2"] * state.get("v", 0.0) + (1 - h["beta2"]) * g * g
    return state["m"], state["v"]


class Bench:
    """Runs code in float64 and counts its steps."""

    def __init__(self, code: Code, *, constant_rate: bool = False) -> None:
        self.code, self.constant_rate, self.steps = code, constant_rate, 0

    def __call__(self, experiment: Experiment) -> Sequence[Sequence[float]]:
        if experiment.rate is not None and self.constant_rate:
            raise ConstantRate
        self.steps += len(experiment.gradients)
        hyper = {str(symbol): value for symbol, value in experiment.numbers}
        theta, states = list(experiment.begin), [dict[str, Any]() for _ in experiment.begin]
        rows = []
        for index, gradients in enumerate(experiment.gradients):
            if experiment.rates:
                hyper[str(experiment.rate)] = experiment.rates[index]
            theta = [
                self.code(state, value, g, index + 1, hyper)
                for state, value, g in zip(states, theta, gradients, strict=True)
            ]
            rows.append(list(theta))
        return rows


def unread(*hyper: str) -> Reading:
    """Return a reading in which nothing is known but the hyper-parameters."""
    letters = {str(symbol): symbol for symbol in ALPHABET}
    symbols = [letters.get(name, Symbol(name, real=True, nonnegative=True)) for name in hyper]
    return Reading("code", {}, {}, dict.fromkeys(symbols, 0.5), paths=(Path(1, {}, opaque=("a kernel",)),))


ADAM = ("lr", "beta1", "beta2", "eps")


@pytest.mark.parametrize(
    ("code", "hyper", "name"),
    [
        (adam, ADAM, "adam"),
        (eps_inside, ADAM, "adam_eps_inside"),
        (clipped, ADAM, None),
    ],
)
def test_code_is_named_by_its_steps_and_by_no_name_where_it_takes_others(
    code: Code, hyper: tuple[str, ...], name: str | None
) -> None:
    bench = Bench(code)
    answer = identify_observed(unread(*hyper), bench)
    assert answer.name == name
    assert 0 < answer.steps == bench.steps <= MOST_STEPS
    assert "a kernel" in answer.text()


def test_numbers_that_code_has_instead_of_arguments_are_said() -> None:
    answer = identify_observed(unread("lr"), Bench(own_numbers))
    assert answer.name == "adam"
    assert answer.hyper == {"beta1": "fixed at 0.9", "beta2": "fixed at 0.999", "eps": "fixed at 1e-08"}


def test_rules_that_differ_only_where_code_cannot_go_are_both_said() -> None:
    answer = identify_observed(unread("lr", "friction"), Bench(heavy_ball, constant_rate=True))
    assert answer.name is None
    assert {"momentum", "momentum_lr_inside"} <= set(answer.also)
    assert "do not separate" in answer.text()
