"""Usual forms: the ways in which code writes a step that are equal and round differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Mul, Piecewise, Symbol

from stepcheck_reference.alphabet import lr, theta


def forms_of_decay(step: Expr) -> tuple[Expr, ...]:
    """Return a new theta that shrinks, as (1 − d)·θ − s, as θ − d·θ − s and as θ − η·(d/η·θ + s/η); else nothing."""
    ways = (_factored, _subtracted, _within_rate)
    return tuple(form for way in ways if (form := _each_branch(step, way)) is not None and form != step)


def _each_branch(step: Expr, way: Callable[[Expr, Expr], Expr | None]) -> Expr | None:
    if isinstance(step, Piecewise):
        branches = [(_each_branch(value, way), condition) for value, condition in step.args]
        return None if any(value is None for value, _ in branches) else Piecewise(*branches)
    shrink, rest = _split(step)
    return None if shrink is None else way(shrink, rest)


def _split(step: Expr) -> tuple[Expr | None, Expr]:
    """Return (d, rest) of θ·(1 − d) + rest, where d is of hyper-parameters and t alone; None where it is no such."""
    terms: list[Expr] = []
    for term in Add.make_args(step):
        opened = next((part for part in Mul.make_args(term) if part.is_Add and part.has(theta)), None)
        if opened is None:
            terms.append(term)
        else:
            others = Mul(*(part for part in Mul.make_args(term) if part is not opened))
            terms += [others * part for part in opened.args]
    own = [term for term in terms if theta in Mul.make_args(term)]
    rest = Add(*(term for term in terms if theta not in Mul.make_args(term)))
    factor = Add(*(Mul(*(part for part in Mul.make_args(term) if part != theta)) for term in own))
    shrink = 1 - factor
    return (None, rest) if shrink == 0 or shrink.has(theta) or not own else (shrink, rest)


def _factored(shrink: Expr, rest: Expr) -> Expr:
    return (1 - shrink) * theta + rest


def _subtracted(shrink: Expr, rest: Expr) -> Expr:
    return theta - shrink * theta + rest


def _within_rate(shrink: Expr, rest: Expr) -> Expr | None:
    if lr not in Mul.make_args(shrink) or any(lr not in Mul.make_args(term) for term in Add.make_args(rest)):
        return None
    direction = Add(*(-term / lr for term in Add.make_args(rest)))
    return theta - lr * (direction + shrink / lr * theta)


def with_usual_forms(step: Mapping[Symbol, Expr]) -> dict[Symbol, tuple[Expr, ...]]:
    """Return further forms of the equations ``step``."""
    forms = forms_of_decay(step[theta])
    return {theta: forms} if forms else {}
