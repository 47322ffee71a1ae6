"""Merging: the equations of paths through a step made one, with the conditions under which they differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Eq, Expr, Integer, Piecewise, Symbol, false, nan, true, zoo
from sympy.logic.boolalg import Boolean

from stepcheck_reference.algebra.equality import agrees
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.reading.choices import is_boolean, negated
from stepcheck_reference.reading.reading import Path

UNEXPLAINED = "a choice that was not read"
"""What stands among unread functions where steps differ and no comparison says why."""

Initial = Mapping[Symbol, Expr]


def initial_values(
    paths: Sequence[Path], candidates: Mapping[Symbol, Sequence[Expr]], open_states: Collection[Symbol]
) -> dict[Symbol, Expr]:
    """Return the values before step 1 under which step 1 is the general step.

    ``candidates`` are the states that step 1 creates, each with the values that it may have had, the likeliest first:
    what its memory held before step 1 wrote it again. Another is taken only of ``open_states``, of
    which nothing is known, and where it explains more equations of step 1.
    """
    first, others = paths[0], paths[1:][::-1]

    def explained(chosen: Initial) -> int:
        return sum(any(_agrees(first, path, symbol, chosen) for path in others) for symbol in others[0].step)

    chosen = {state: values[0] for state, values in candidates.items()}
    best = explained(chosen)
    for state, values in candidates.items():
        for value in values[1:] if state in open_states else ():
            if best == len(others[0].step):
                return chosen
            found = explained({**chosen, state: value})
            if found > best:
                best, chosen[state] = found, value
    return chosen


def _agrees(first: Path, other: Path, symbol: Symbol, initial: Initial) -> bool:
    return symbol in first.step and same(first.step[symbol], other.step[symbol], {**initial, t: Integer(1)})


def same(one: Expr, other: Expr, values: Mapping[Symbol, Expr]) -> bool:
    """Whether two expressions are the same function where symbols have ``values``, or both divide by 0 there."""
    if one == other:
        return True
    try:
        left, right = one.xreplace(dict(values)), other.xreplace(dict(values))
        if left.has(nan, zoo) or right.has(nan, zoo):  # a division by 0
            return bool(left.has(nan, zoo) and right.has(nan, zoo))
        return left == right or agrees(left - right) is True
    except (ValueError, TypeError):  # a comparison of what is not real
        return False


def merged(symbol: Symbol, paths: Sequence[Path], initial: Initial, hyper: Mapping[Symbol, Expr]) -> tuple[Expr, bool]:
    """Return the equation of ``symbol``, and whether every choice in it is explained by a condition."""
    variants: list[tuple[Expr, list[Path]]] = [(paths[-1].step[symbol], [paths[-1]])]
    for path in reversed(paths[:-1]):
        if symbol not in path.step:
            continue
        for equation, members in variants:
            if _same_at(path, path.step[symbol], equation, initial):
                members.append(path)
                break
        else:
            variants.append((path.step[symbol], [path]))
    branches: list[tuple[Expr, Boolean]] = []
    explained, rest = True, list(variants)
    for variant in variants[:0:-1]:
        rest.remove(variant)
        equation, members = variant
        others = [
            path for _, group in rest for path in group if not _same_at(path, path.step[symbol], equation, initial)
        ]
        condition = _distinguishing(members, others, initial, hyper)
        if condition is not None and _is_special_case(condition, equation, rest[0][0]):
            continue
        if condition is None:
            steps = sorted(path.t for path in members)
            explained &= steps == [1]
            condition = Eq(t, 1) if steps == [1] else t <= steps[-1]
        branches.append((equation, condition))
    if not branches:
        return variants[0][0], explained
    return Piecewise(*branches, (variants[0][0], true), evaluate=False), explained


def _same_at(path: Path, equation: Expr, general: Expr, initial: Initial) -> bool:
    if equation == general:
        return True
    values = {t: Integer(path.t)} if t not in equation.free_symbols else {}
    return same(equation, general, {**values, **(initial if path.t == 1 else {})})


def _distinguishing(
    members: Sequence[Path], others: Sequence[Path], initial: Initial, hyper: Mapping[Symbol, Expr]
) -> Boolean | None:
    """Return a condition that holds on the paths ``members``, and on none of ``others``."""
    candidates = [condition for path in (*members, *others) for condition in path.conditions if is_boolean(condition)]
    for candidate in dict.fromkeys(candidates):
        if candidate.free_symbols <= set(hyper):
            continue
        for condition in (candidate, negated(candidate)):
            truths = [_truth(condition, path, initial, hyper) for path in members]
            if all(truths) and not any(_truth(condition, path, initial, hyper) is not False for path in others):
                return condition
    return None


def _truth(condition: Boolean, path: Path, initial: Initial, hyper: Mapping[Symbol, Expr]) -> bool | None:
    """Return whether ``condition`` held on ``path``: as it was written down there, or by the values of its symbols."""
    if condition in path.conditions:
        return True
    if negated(condition) in path.conditions:
        return False
    values = {**hyper, t: Integer(path.t), **(initial if path.t == 1 else {})}
    truth = condition.xreplace({symbol: _number(value, hyper) for symbol, value in values.items()})
    return bool(truth) if truth in (true, false) else None


def _number(value: Expr, hyper: Mapping[Symbol, Expr]) -> Expr:
    return value.xreplace(dict(hyper))


def _is_special_case(condition: Boolean, equation: Expr, general: Expr) -> bool:
    """Whether ``equation`` is what ``general`` is anyway where a symbol equals what ``condition`` says."""
    if not isinstance(condition, Eq) or not condition.lhs.is_Symbol or condition.lhs in (theta, g, t):
        return False
    return same(equation, general, {condition.lhs: condition.rhs})


def common_conditions(paths: Sequence[Path]) -> list[Boolean]:
    """Return the conditions of the general path that no path contradicts: what the equations hold under."""
    denied = {negated(condition) for path in paths for condition in path.conditions if is_boolean(condition)}
    general = paths[-1].conditions if paths else ()
    return [condition for condition in general if condition not in denied and t not in condition.free_symbols]
