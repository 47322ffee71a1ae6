"""Equations: a variant, or a rule, as initial values and a step in the alphabet's letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sympy import Dummy, Eq, Expr, Integer, Piecewise, Rational, Symbol, sympify

from stepcheck_reference import alphabet
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import ALPHABET, g, initial_lr, t, theta
from stepcheck_reference.identify.evaluation.operations import EXPRESSIONS
from stepcheck_reference.identify.variants.variant import Variant, take
from stepcheck_reference.rule import Rule

SLOT_OF: Mapping[str, str] = {"momentum": "beta1", "beta": "beta1", "initial_accumulator": "start"}
"""A rule's hyper-parameter by the slot that variants have it in, where that is another word."""


_ONLY = Dummy("state")
"""What stands for a state where its only place is."""


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """New values of theta and states, and the states' initial values; ``hyper`` is the symbol of each slot."""

    step: Mapping[Symbol, Expr]
    init: Mapping[Symbol, Expr]
    hyper: Mapping[str, Symbol]


def of_rule(rule: Rule, fixed: Mapping[str, int]) -> Equations:
    """Return the equations of ``rule`` with the hyper-parameters in ``fixed`` at their values."""
    values: dict[Symbol, Expr] = {alphabet.symbol(name): sympify(value) for name, value in fixed.items()}
    values |= {symbol: Rational(value) for symbol, value in rule.constants.items()}

    def plain(parts: Mapping[Symbol, Any]) -> dict[Symbol, Expr]:
        return {symbol: unwrapped(sympify(part)).xreplace(values) for symbol, part in parts.items()}

    hyper = {SLOT_OF.get(str(symbol), str(symbol)): symbol for symbol in rule.hyper if symbol not in values}
    return Equations(*_started_at_theta(plain(rule.step), plain({**rule.init, **rule.scalars})), hyper)


def _started_at_theta(
    step: dict[Symbol, Expr], init: dict[Symbol, Expr]
) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """Return the equations with theta as initial value of a state for which every one of them takes theta at t = 1.

    They are the same function in every run, and code that copies its parameter before the first step has them so.
    """
    for state in init:
        taken = Piecewise((theta, Eq(t, 1)), (state, True))
        changed = {symbol: value.xreplace({taken: _ONLY}) for symbol, value in step.items()}
        if changed != step and not any(value.has(state) for value in changed.values()):
            step = {symbol: value.xreplace({_ONLY: state}) for symbol, value in changed.items()}
            init = {**init, state: theta}
    return step, init


def own_slots(rule: Rule, fixed: Mapping[str, int] = MappingProxyType({})) -> Equations:
    """Return the equations of ``rule``, whose slots are the names of its hyper-parameters that are not ``fixed``."""
    made = of_rule(rule, fixed)
    return Equations(made.step, made.init, {str(symbol): symbol for symbol in rule.hyper if str(symbol) not in fixed})


def of_variant(variant: Variant) -> Equations:
    """Return the equations of ``variant``, its letters those that papers use for such states."""
    numerator, divisor = variant.numerator, variant.divisor
    average = numerator.buffer.startswith("average") or numerator.buffer == "two_betas"
    letters = {"a": alphabet.a, "v_max": alphabet.v_max}
    letters["m"] = alphabet.m if average else alphabet.velocity if numerator.buffer == "rate_inside" else alphabet.b
    squares = {"sum": alphabet.h, "infinity": alphabet.u, "spread": alphabet.s, "spread_old": alphabet.s}
    letters["v"] = squares.get(divisor.moment, alphabet.v)
    hyper = {slot: alphabet.symbol(slot) for slot in ("lr", "beta1", "beta2", "dampening", "eps", "eps_root")}
    hyper |= {slot: alphabet.symbol(slot) for slot in ("weight_decay", "lr_decay")}
    hyper |= {"start": alphabet.initial_accumulator, "initial_lr": initial_lr}
    if not average:
        hyper["beta1"] = alphabet.momentum
    new_theta, new = take(variant, EXPRESSIONS, theta, letters, g, t, hyper)
    step = {letters[name]: sympify(value) for name, value in new.items()} | {theta: sympify(new_theta)}
    starts = {"zero": Integer(0), "start": hyper["start"], "one": Integer(1)}
    init = {letters[name]: starts[divisor.start] if name == "v" else Integer(0) for name in new}
    used = {symbol for value in (*step.values(), *init.values()) for symbol in value.free_symbols}
    return Equations(step, init, {slot: symbol for slot, symbol in hyper.items() if symbol in used})


def is_state(symbol: Symbol) -> bool:
    """Return whether ``symbol`` is a state of the alphabet."""
    return symbol in ALPHABET and ALPHABET[symbol].role == "state"
