"""Exact courses: what a rule's equations come to in numbers that no step of a binary arithmetic has to round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from sympy import Expr, Integer, Rational, Symbol, nan, zoo

from stepcheck_properties.law import Breach, CheckOutcome, Evidence
from stepcheck_properties.scripts.from_zero import group_of, is_from_zero
from stepcheck_reference.algebra.iterate import State, iterate
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script

THETA = "theta"

Values = tuple[tuple[str, float], ...]


def course(rule: Rule, values: Mapping[str, float], gradient: float, steps: int) -> tuple[State, ...]:
    """Return what theta and the states hold, exactly, at a constant gradient from theta = 0 before each step."""
    names = {str(symbol) for symbol in rule.hyper}
    return _course(rule, tuple((name, value) for name, value in values.items() if name in names), gradient, steps)


@lru_cache(maxsize=256)
def _course(rule: Rule, values: Values, gradient: float, steps: int) -> tuple[State, ...]:
    symbols = {str(symbol): symbol for symbol in rule.hyper}
    exact = {symbols[name]: Rational(value) for name, value in values}
    return iterate(rule, exact, Integer(0), [Rational(gradient)] * steps, reset_theta=True)


def dyadic(value: Expr, dtype: str) -> float | None:
    """Return ``value`` as a number that ``dtype`` holds exactly, None where it is none."""
    if value in (nan, zoo) or not value.is_Rational or not _is_power(int(value.q)):
        return None
    odd = abs(int(value.p))
    form = FORMATS[dtype]
    bits = odd.bit_length() - ((odd & -odd).bit_length() - 1 if odd else 0)
    number = float(value)
    inside = number == 0.0 or form.smallest_normal <= abs(number) <= form.largest
    return number if bits <= form.precision and inside else None


def constant_gradient(script: Script, tensor: int) -> float | None:
    """Return the power of two that is the gradient of every element of ``tensor`` at every step, None if there is none.

    The parameter has to be 0 before each step.
    """
    if not is_from_zero(script):
        return None
    item = script.tensors[tensor]
    values = {
        float(value)
        for step in script.steps
        if (data := step.gradients[tensor]) is not None
        for value in np.unique(expand(data, item.size, item.dtype))
    }
    only = values.pop() if len(values) == 1 else 0.0
    return only if only and math.frexp(abs(only))[0] == 0.5 else None


def exact_course(rule: Rule, script: Script, tensor: int) -> tuple[State, ...] | None:
    """Return the exact course of ``tensor``, None where its gradient is not constant."""
    gradient = constant_gradient(script, tensor)
    return None if gradient is None else course(rule, group_of(script, tensor), gradient, len(script.steps))


def _is_power(number: int) -> bool:
    return number & (number - 1) == 0


def departure(evidence: Evidence, name: str, wanted: Callable[[int, int], float | None]) -> CheckOutcome:
    """Return how what the run holds of ``name`` is the number that ``wanted`` gives for (tensor, step), where it does.

    It may be another where the run keeps to its envelope: the subject then has a reason to round.
    """
    trajectory = evidence.trajectory
    compared, found = 0, None
    for tensor, trace in enumerate(trajectory.traces):
        for step in range(1, trajectory.steps + 1):
            number = wanted(tensor, step)
            if number is None or (name != THETA and not (name in trace.states and trace.present[name][step])):
                continue
            held = np.asarray(trace.theta[step - 1] if name == THETA else trace.states[name][step], np.float64)
            compared += held.size
            apart = np.flatnonzero(held != number)
            if apart.size and found is None:
                at = int(apart[0])
                ours = float(held[at])
                told = f"{name}={ours!r}, but should be {number!r} exactly"
                deviation = Deviation(name, tensor, step, at, ours, number, 0.0, float("inf"), {})
                found = Breach(name, tensor, step, float("inf"), told, deviation)
    if found is None or evidence.judgement.conforms:
        return CheckOutcome(compared)
    return CheckOutcome(compared, (found,))


def called(held: State, name: str) -> Expr | None:
    """Return what is held under an alphabet name."""
    return held.get(next((symbol for symbol in held if symbol.name == name), Symbol(name)))
