"""Traits: what a hyper-parameter can be, as seen from where it stands in the equations."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, Pow, Symbol, expand_mul, preorder_traversal

from stepcheck_reference.alphabet import t, theta
from stepcheck_reference.identify.lifting import Lifted

Traits = dict[str, frozenset[Symbol]]
"""The symbols that may be of each kind."""


KINDS = ("decay", "dampening", "start", "shrinkage", "lr_decay", "small", "rate", "initial_lr")


def traits(reading: Lifted) -> Traits:
    """Return the symbols that weigh a past against a present, decay theta, start a state or make the rate fall.

    Where code was not read, every symbol may be everything.
    """
    hyper = frozenset(reading.hyper)
    if not reading.step:
        return dict.fromkeys(KINDS, hyper)
    weights = (frozenset(_weights(reading)) | frozenset(_corrected(reading))) & hyper
    starts = frozenset(symbol for value in reading.init.values() for symbol in value.free_symbols) & hyper
    shrinks = frozenset(_together_with(reading, theta)) & hyper
    falls = frozenset(_times_count(reading)) & hyper
    corrected = frozenset(_corrected(reading))
    return {
        "decay": weights,
        "dampening": weights - corrected,
        "start": starts,
        "shrinkage": shrinks,
        "lr_decay": falls,
        "small": hyper - starts,
        "rate": hyper - weights,
        "initial_lr": hyper - weights - starts,
    }


def _weights(reading: Lifted) -> Iterator[Symbol]:
    for state, value in reading.step.items():
        for node in preorder_traversal(value):
            if isinstance(node, Add) and len(node.args) == 2 and 1 in node.args:
                yield from (-(node - 1)).free_symbols if (1 - node).is_Symbol else ()
            if isinstance(node, Add) and state != theta:
                for term in Add.make_args(expand_mul(node)):
                    yield from _factors_of(term, state)
            if isinstance(node, Mul) and state != theta:
                yield from _factors_of(node, state)


def _corrected(reading: Lifted) -> Iterator[Symbol]:
    for value in reading.step.values():
        for power in value.atoms(Pow):
            if power.exp.has(t):
                yield from power.base.free_symbols


def _times_count(reading: Lifted) -> Iterator[Symbol]:
    for value in reading.step.values():
        for product in value.atoms(Mul):
            if any(factor - t in (0, 1, -1) for factor in product.args):
                yield from (factor for factor in product.args if factor.is_Symbol)


def _factors_of(term: Expr, state: Symbol) -> Iterator[Symbol]:
    factors = Mul.make_args(term)
    if state in factors:
        for factor in factors:
            if factor != state:
                yield from factor.free_symbols


def _together_with(reading: Lifted, symbol: Symbol) -> Iterator[Symbol]:
    for value in reading.step.values():
        for node in preorder_traversal(value):
            if isinstance(node, Mul) and symbol in node.free_symbols:
                yield from node.free_symbols
