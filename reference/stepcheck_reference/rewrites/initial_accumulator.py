"""Squares that start from a number of their own: the sum or average of squares is initial_accumulator at first."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_reference.alphabet import Expr, Symbol, g, initial_accumulator
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _same(rule: Rule) -> Step | None:
    return dict(rule.step)


def _raised(rule: Rule) -> Mapping[Symbol, Expr]:
    squares = [state for state, value in rule.init.items() if value == 0 and rule.step[state].has(g**2)]
    return {state: initial_accumulator for state in squares if rule.step[state].has(state)}


INITIAL_ACCUMULATOR = Rewrite(
    "initial_accumulator",
    title="the sum or average of squares is initial_accumulator at first",
    source="initial_accumulator_value of torch.optim.Adagrad; initial_scale of optax.rmsprop",
    needs="a rule with a sum or average of squared gradients that starts at 0",
    change=_same,
    starts=_raised,
    domains={initial_accumulator: NONNEGATIVE},
)
