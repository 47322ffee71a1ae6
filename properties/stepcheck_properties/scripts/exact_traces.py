"""Exact traces: a rule's equations evaluated in fractions, and runs whose numbers should equal them.

Where an exact value is a number of the dtype, and so is every number on the way to it, a binary arithmetic computes it
without rounding. A subject may have a reason to round nevertheless (a reciprocal, a factored constant); so another
number breaks the law only if the run also leaves its envelope.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from sympy import Expr, Integer, Rational, Symbol, nan, zoo

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence
from stepcheck_properties.scripts.baseline_scripts import initial_hyper
from stepcheck_properties.scripts.from_zero import is_from_zero
from stepcheck_reference.algebra.iterate import State, iterate
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script

Values = tuple[tuple[str, float], ...]


def hyper_of_rule(rule: Rule, hyper: Mapping[str, float]) -> Values:
    """Return the entries of ``hyper`` that are hyper-parameters of ``rule``, hashable."""
    names = {str(symbol) for symbol in rule.hyper}
    return tuple((name, value) for name, value in hyper.items() if name in names)


def constant_gradient_trace(rule: Rule, hyper: Mapping[str, float], gradient: float, steps: int) -> tuple[State, ...]:
    """Return theta and the states at first and after each step, exactly.

    The gradient is constant, and theta is 0 before each step.
    """
    return _constant_gradient_trace(rule, hyper_of_rule(rule, hyper), gradient, steps)


@lru_cache(maxsize=256)
def _constant_gradient_trace(rule: Rule, hyper: Values, gradient: float, steps: int) -> tuple[State, ...]:
    symbols = {str(symbol): symbol for symbol in rule.hyper}
    exact = {symbols[name]: Rational(value) for name, value in hyper}
    return iterate(rule, exact, Integer(0), [Rational(gradient)] * steps, reset_theta=True)


def dyadic(value: Expr, dtype: str) -> float | None:
    """Return ``value`` as a number of ``dtype``, None where it is not exactly one."""
    if value in (nan, zoo) or not value.is_Rational or not _is_power_of_two(int(value.q)):
        return None
    odd = abs(int(value.p))
    form = FORMATS[dtype]
    bits = odd.bit_length() - ((odd & -odd).bit_length() - 1 if odd else 0)
    number = float(value)
    inside = number == 0.0 or form.smallest_normal <= abs(number) <= form.largest
    return number if bits <= form.precision and inside else None


def constant_gradient(script: Script, tensor: int) -> float | None:
    """Return the power of two that is the gradient of every element of ``tensor`` at every step, None without one.

    The script has to be one from zero.
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


def exact_trace(rule: Rule, script: Script, tensor: int) -> tuple[State, ...] | None:
    """Return the exact trace of ``tensor``, None where its gradient is not constant."""
    gradient = constant_gradient(script, tensor)
    if gradient is None:
        return None
    return constant_gradient_trace(rule, initial_hyper(script, tensor), gradient, len(script.steps))


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def check_exact(evidence: Evidence, name: str, expected: Callable[[int, int], float | None]) -> CheckOutcome:
    """Return whether the output ``name`` is the number that ``expected`` gives for (tensor, step), where it gives one.

    Another number is no breach if the run conforms.
    """
    trajectory = evidence.trajectory
    compared, breaches = 0, list[Breach]()
    for tensor, trace in enumerate(trajectory.traces):
        for step in range(1, trajectory.steps + 1):
            number = expected(tensor, step)
            if number is None or (name != THETA and not (name in trace.states and trace.present[name][step])):
                continue
            values = np.asarray(trace.theta[step - 1] if name == THETA else trace.states[name][step], np.float64)
            compared += values.size
            differs = np.flatnonzero(values != number)
            breaches += [wrong_real(name, tensor, step, at, float(values[at]), number) for at in differs.tolist()]
    return only_if_nonconforming(evidence, compared, breaches)


def only_if_nonconforming(evidence: Evidence, compared: int, breaches: Sequence[Breach]) -> CheckOutcome:
    """Return the outcome of a check that reports the first of ``breaches`` whose element leaves its envelope too.

    An element whose parameter and states are inside theirs is right within rounding, whatever else deviates in the run.
    """
    if not breaches or not evidence.judgement.breaks:
        return CheckOutcome(compared)
    traces = evidence.trajectory.traces

    def place(output: str, tensor: int, index: int) -> int:
        return 0 if output != THETA and traces[tensor].states[output].shape[1] == 1 else index

    def leaves(breach: Breach) -> bool:
        at = 0 if breach.deviation is None else breach.deviation.index
        outputs = (THETA, *traces[breach.tensor].states)
        steps = (first.get((name, breach.tensor, place(name, breach.tensor, at))) for name in outputs)
        return any(step is not None and step <= breach.step for step in steps)

    elements = {(breach.tensor, breach.deviation.index) for breach in breaches if breach.deviation is not None}
    reals = {
        (output, tensor, place(output, tensor, index))
        for tensor, index in elements
        for output in (THETA, *traces[tensor].states)
    }
    first: dict[tuple[str, int, int], int] = {}  # the step in which each real that leaves its envelope does so first
    for entry in evidence.watch(reals):
        if entry.ratio > 1.0:
            key = (entry.output, entry.tensor, entry.index)
            first[key] = min(entry.step, first.get(key, entry.step))
    return CheckOutcome(compared, tuple(islice((breach for breach in breaches if leaves(breach)), 1)))


def value_of(row: State, name: str) -> Expr | None:
    """Return the value of the output ``name`` in a row of a trace."""
    return row.get(next((symbol for symbol in row if symbol.name == name), Symbol(name)))
