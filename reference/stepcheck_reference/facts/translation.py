"""Translation: whether a step is the same wherever the parameters are, the gradient given."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, expand

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import g, gradient_at, theta
from stepcheck_reference.facts.equations import Equations, cases, feeding
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def is_translation_invariant(rule: Rule) -> bool | None:
    """Return whether steps do not depend on where theta starts; None if unknown.

    A gradient that is taken elsewhere moves with the objective: it is the same where its place is theta and a rest
    that does not depend on theta.
    """
    if all(_moves_along(new) and _settled(new[theta], 1) and _without_theta(new) for _, new in cases(rule)):
        return True
    return False if _refuted(rule) else None


def _without_theta(new: Equations) -> bool:
    """Whether no state that the step depends on takes theta in."""
    return all(_settled(new[state], 0) for state in feeding(new))


def _settled(equation: Expr, factor: int) -> bool:
    """Whether ``equation`` is ``factor`` times theta and a rest without theta."""
    parts = split(equation.replace(gradient_at, lambda point: g), theta)
    return parts is not None and expand(parts[0] - factor) == 0


def _moves_along(new: Equations) -> bool:
    """Whether every place that a gradient is taken at is theta and a rest without theta."""
    return all(_settled(taken.args[0], 1) for equation in new.values() for taken in equation.atoms(gradient_at))


def _refuted(rule: Rule) -> bool:
    if needs_objective(rule):
        return False
    hyper = sample(rule)
    here, there = (iterate(rule, hyper, Integer(start), GRADIENTS, digits=ROUNDED) for start in (1, 3))
    return any(vanishes(two[theta] - one[theta] - 2) is False for one, two in zip(here, there, strict=True))
