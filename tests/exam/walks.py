"""Walks: a rule's own equations iterated step by step, to forty digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import mpmath
import sympy
from mpmath import mpf

from stepcheck_reference.alphabet import Symbol, curvature, g, t, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.objective import on_quadratic

DIGITS, PRECISION = 40, 60
GRADIENTS = ("1", "-0.25", "0.5", "0", "0.125", "0.125", "-1.5", "-1.5", "2")
HYPER = {
    "lr": "0.1",
    "beta": "0.6",
    "beta1": "0.7",
    "beta2": "0.8",
    "beta3": "0.65",
    "momentum": "0.9",
    "dampening": "0.3",
    "nu": "0.7",
    "nu1": "0.6",
    "nu2": "0.75",
    "momentum_decay": "0.7",
    "eps": "0.01",
    "eps_root": "0.03",
    "weight_decay": "0.2",
    "rho": "0.75",
    "lr_decay": "0.15",
    "initial_lr": "0.4",
    "initial_accumulator": "0.1",
    "eta_minus": "0.5",
    "eta_plus": "1.25",
    "step_min": "0.04",
    "step_max": "0.12",
    "lambd": "0.3",
    "l1": "0.2",
    "l2": "0.35",
    "alpha": "0.75",
    "t0": "3",
    "curvature": "0.8",
}
START = "1.5"

Values = dict[str, Any]
Walk = Iterator[Values]


@cache
def compiled(rule: Rule) -> tuple[tuple[Symbol, ...], Callable[..., Sequence[Any]]]:
    """Return the equations of ``rule`` as a function, and its arguments; an objective is a quadratic around g."""
    equations = [on_quadratic(equation).doit() for equation in rule.step.values()]
    objective_symbols = (curvature,) if any(curvature in equation.free_symbols for equation in equations) else ()
    symbols = (theta, *rule.init, *rule.scalars, g, t, *rule.constants, *rule.hyper, *objective_symbols)
    return symbols, sympy.lambdify(symbols, equations, modules="mpmath")


def walked(rule: Rule, *, gradients: Sequence[str] = GRADIENTS, rates: Sequence[str] = (), **changes: str) -> Walk:
    """Yield theta and every state after each step, by ASCII name, from the rule's own equations.

    ``rates`` are learning rates, one per step; ``changes`` override the usual hyper-parameters.
    """
    hyper = {name: mpf(value) for name, value in {**HYPER, **changes}.items()}
    fixed = {symbol: mpf(value) for symbol, value in rule.constants.items()}
    symbols, step = compiled(rule)
    values: dict[Symbol, Any] = {theta: mpf(START)}
    for state, first in {**rule.init, **rule.scalars}.items():
        values[state] = hyper[first.name] if isinstance(first, Symbol) else mpf(int(first))
    for count, gradient in enumerate(gradients, 1):
        if rates:
            hyper["lr"] = mpf(rates[count - 1])
        old_values = {**fixed, **values, g: mpf(gradient), t: count}
        new = step(*(old_values[symbol] if symbol in old_values else hyper[symbol.name] for symbol in symbols))
        values = dict(zip(rule.step, new, strict=True))
        yield {symbol.name: value for symbol, value in values.items()}


def shown(walk: Walk) -> list[dict[str, str]]:
    """Return a walk as text, so that values that agree to forty digits are equal."""
    return [{name: mpmath.nstr(mpf(value), DIGITS) for name, value in sorted(values.items())} for values in walk]


def digits_of(name: str, output: str = "theta", **changes: Any) -> list[str]:
    """Return theta, or the state ``output``, of the rule ``name`` after each step, as text."""
    with mpmath.workdps(PRECISION):
        return [values[output] for values in shown(walked(find(name), **changes))]
