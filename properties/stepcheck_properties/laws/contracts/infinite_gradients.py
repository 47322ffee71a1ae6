"""Infinite gradients: a parameter or state that every evaluation of the rule makes infinite or nan is not finite."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Abs, Add, Basic, Expr, Mul, Piecewise, Pow

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.contracts.nonfinite_gradients import (
    gradients_that_are,
    is_elementwise_on_gradients,
    nonfinite_scripts,
)
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.rule import Rule


@lru_cache(maxsize=256)
def never_finite(rule: Rule) -> frozenset[str]:
    """Return the outputs, theta and states, that are infinite or nan after an infinite gradient in every evaluation.

    Such is the gradient itself; a sum with such a term; a product with such a factor, also with 0 (nan) and with the
    reciprocal of such a factor (nan); and a positive power or the magnitude of such a number. A quotient by such a
    number alone is 0, and what a sign, a maximum or a branch on the gradient gives is finite or depends on the code.
    """
    scalars = frozenset({t, *rule.hyper, *rule.scalars, *rule.constants})
    outputs = (theta, *rule.init)
    return frozenset(str(output) for output in outputs if _never_finite(unwrapped(rule.step[output]), scalars))


def _never_finite(expression: Basic, scalars: frozenset[Expr]) -> bool:
    if expression == g:
        return True
    if isinstance(expression, Piecewise):
        tested = {symbol for _, condition in expression.args for symbol in condition.free_symbols}
        return tested <= scalars and all(_never_finite(value, scalars) for value, _ in expression.args)
    if isinstance(expression, Pow):
        return bool(expression.exp.is_positive) and _never_finite(expression.base, scalars)
    if isinstance(expression, (Add, Mul, Abs)):
        return any(_never_finite(part, scalars) for part in expression.args)
    return False


def _applies(facts: Facts) -> bool:
    return is_elementwise_on_gradients(facts) and bool(never_finite(facts.rule))


def _check(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    outputs, steps, compared = never_finite(evidence.rule), trajectory.steps, 0
    breaches: dict[str, Breach] = {}
    if any(step.overwrite for step in script.steps):
        return CheckOutcome(0)
    for index, trace in enumerate(trajectory.traces):
        at_once = gradients_that_are(np.isinf, script, index, steps)
        if not at_once.any():
            continue
        rows: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
        if THETA in outputs:
            rows[THETA] = (np.asarray(np.logical_or.accumulate(at_once, axis=0)), trace.theta[:steps])
        for name, values in trace.states.items():
            after = values[1 : steps + 1]
            if name in outputs and after.shape == at_once.shape:
                rows[name] = (at_once & trace.present[name][1 : steps + 1, None], after)
        for name, (mask, observed) in rows.items():
            compared += int(mask.sum())
            finite = mask & np.isfinite(observed)
            if name not in breaches and finite.any():
                row, at = (int(position) for position in np.argwhere(finite)[0])
                value = float(observed[row, at])
                message = f"{name}={value!r}, but should be infinite or nan, as its gradient was infinite"
                breaches[name] = wrong_real(name, index, row + 1, at, value, float("nan"), message)
    return CheckOutcome(compared, tuple(breaches.values()))


INFINITE_GRADIENT = Law(
    code="SC261",
    title="an infinite gradient does not become a finite step",
    sentence="An element whose gradient is inf or -inf is infinite or nan after the step and from then on, and so is "
    "each of its states that is a sum, product or power of the gradient.",
    source="IEEE 754-2019, 6.1 and 7.2: arithmetic of infinities, and inf - inf, 0*inf and inf/inf, which are nan; the "
    "rule's own equations",
    since="0.2",
    applies=_applies,
    check=_check,
    condition="some path from the gradient to the parameters or to a state has sums, products, positive powers and "
    "magnitudes alone",
    unit="reals that had infinity",
    mathematics="""\
A sum with an infinite term is infinite or nan, and so is a product with an infinite factor, whatever the others are and
in whichever order they are taken: inf*0 and inf/inf are nan. So a new parameter theta - lr*m/sqrt(v) is not finite if m
is not, although its limit is. A sign, a maximum or a branch may give a finite number, and nothing is said of these.""",
    remedy="""\
Look for nan_to_num, which replaces inf by the largest number, or for a clamp of the gradient. The square of the largest
number is infinite, so that an adaptive step becomes 0, and the overflow goes unnoticed. The whole step should be
skipped by the caller of step(), as torch.amp.GradScaler does.""",
    example="""\
class TakesInfinityForTheLargest(torch.optim.Optimizer):
    ...
    g = torch.nan_to_num(p.grad, nan=float("nan"))       # inf becomes 3.4e38, its square is inf, and the step is 0""",
    scripts=nonfinite_scripts,
)
