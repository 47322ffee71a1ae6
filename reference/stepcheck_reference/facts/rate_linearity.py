"""Rate linearity: whether a step is proportional to the learning rate."""

from __future__ import annotations

from functools import lru_cache

from sympy import Integer, Rational

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts.equations import cases, step_of
from stepcheck_reference.facts.homogeneity import Mixed, degree, known_degrees, state_degrees
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def is_linear_in_rate(rule: Rule) -> bool | None:
    """Return whether every step from given parameters is proportional to a constant learning rate; None if unknown.

    States that contain the rate are assumed to contain the same one from the first step on.
    """
    if lr not in rule.hyper:
        return False
    weights = {lr: Integer(1)}
    try:
        known = known_degrees(rule, weights)
        for _, new in cases(rule):
            step_degree = degree(step_of(new), {**weights, **state_degrees(rule, new, weights, known)})
            if step_degree not in (None, 1):
                break
        else:
            return True
    except Mixed:
        pass
    return False if _refuted(rule) else None


def _refuted(rule: Rule) -> bool:
    """Return whether some step from the same parameters is not twice as long at twice the rate."""
    gradients = (lambda point: point**3) if needs_objective(rule) else GRADIENTS
    hyper, count = sample(rule), len(GRADIENTS)
    slow, fast = (
        iterate(rule, {**hyper, lr: rate}, Integer(1), gradients, steps=count, reset_theta=True, digits=ROUNDED)
        for rate in (Rational(1, 8), Rational(1, 4))
    )
    return any(
        vanishes(faster[theta] - 1 - 2 * (slower[theta] - 1)) is False
        for slower, faster in zip(slow, fast, strict=True)
    )
