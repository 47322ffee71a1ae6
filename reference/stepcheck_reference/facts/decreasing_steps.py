"""Decreasing steps: whether the step for a constant gradient never grows, as in AdaGrad."""

from __future__ import annotations

from functools import lru_cache

from sympy import Dummy, diff

from stepcheck_reference.alphabet import g, t, theta, weight_decay
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.facts.signs import monotone_states
from stepcheck_reference.facts.special_case import fixed
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def is_fading(rule: Rule) -> bool | None:
    """Return True where a step is the gradient times a factor that only decreases with the states and t, else None.

    Assumes weight_decay = 0 and constant hyper-parameters.
    """
    if needs_objective(rule):
        return None
    plain = fixed(rule, {weight_decay: 0}) if weight_decay in rule.hyper else rule
    new = equations(plain)
    rising = {state for state, never_falls in monotone_states(plain).items() if never_falls}
    positive_states = {state: Dummy(str(state), positive=True) for state in rising}
    later = Dummy("later", nonnegative=True)
    step = step_of(new).subs([(new[state], symbol) for state, symbol in positive_states.items()])
    rate = (-step / g).xreplace({t: 1 + later})
    if not rising or rate.free_symbols & {g, theta, *plain.init, *plain.scalars}:
        return None
    if rate.could_extract_minus_sign():
        rate = -rate  # of a rule that maximizes
    falls = all(diff(rate, symbol).is_nonpositive for symbol in (*positive_states.values(), later))
    return True if falls and rate.is_nonnegative else None
