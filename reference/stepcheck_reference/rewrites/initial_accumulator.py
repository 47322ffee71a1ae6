"""Squares that start from a number of their own: the sum or average of squares is initial_accumulator at first."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Mul, Pow

from stepcheck_reference.alphabet import Expr, Symbol, g, initial_accumulator, theta, weight_decay
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _same(rule: Rule) -> Step | None:
    return dict(rule.step)


def _gathers_squares(equation: Expr, state: Symbol) -> bool:
    """Return whether ``equation`` adds a weighed square of the gradient to what it keeps of ``state``."""
    factors = [factor for term in Add.make_args(equation) for factor in Mul.make_args(term)]
    squared = [factor.base.free_symbols for factor in factors if isinstance(factor, Pow) and factor.exp == 2]
    return state in factors and any(g in symbols and symbols <= {g, theta, weight_decay} for symbols in squared)


def _raised(rule: Rule) -> Mapping[Symbol, Expr]:
    empty = [state for state, value in rule.init.items() if value == 0]
    return {state: initial_accumulator for state in empty if _gathers_squares(rule.step[state], state)}


INITIAL_ACCUMULATOR = Rewrite(
    "initial_accumulator",
    title="the sum or average of squares is initial_accumulator at first",
    source="initial_accumulator_value of torch.optim.Adagrad; initial_scale of optax.rmsprop",
    needs="a rule with a sum or average of squared gradients that starts at 0",
    change=_same,
    starts=_raised,
    domains={initial_accumulator: NONNEGATIVE},
)
