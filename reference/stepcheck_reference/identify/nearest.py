"""Nearest: the rule that is most like equations that are none, and the first part in which the two differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Add, Expr, Float, Mul, Symbol, preorder_traversal

from stepcheck_reference import rules
from stepcheck_reference.alphabet import ALPHABET, Letter, gradient_at, theta
from stepcheck_reference.identify.assignment import kind
from stepcheck_reference.identify.conclusion import Nearest
from stepcheck_reference.identify.evaluation.agreement import Trial, same, trajectory
from stepcheck_reference.identify.evaluation.compiled_step import compiled
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.variants.equations import Equations, own_slots
from stepcheck_reference.identify.writing import written
from stepcheck_reference.rule import Rule

Trace = list[dict[Symbol, Any]]


def nearest(
    reading: Lifted,
    trial: Trial,
    trace: Trace,
    among: Sequence[Rule] = rules.ALL,
    known: Mapping[Symbol, Symbol] | None = None,
) -> Nearest:
    """Return the rule whose step is most like that of ``reading``, which took ``trace`` in ``trial``.

    It is one of ``among``, which is not empty. States correspond that have equal values; then the parts of the two
    steps are counted that are the same. ``known`` are symbols of the reading for hyper-parameters of the rule.
    """
    best: tuple[float, Nearest] | None = None
    for rule in among:
        if among is rules.ALL and any(part.has(gradient_at) for part in rule.step.values()):
            continue
        rule_step = own_slots(rule)
        given = _by_name(reading, rule_step) if known is None else known
        letters = _states(reading, rule_step, given, trial, trace)
        rest_letters = _left_over(reading, rule_step, letters)
        named = {**letters, **rest_letters, **{symbol: name for name, symbol in given.items()}}
        code_step = _short(reading.step, named)
        rest = _short(rule_step.step, {})
        similarity = (
            _alike(code_step[theta], rest[theta]) + len(letters) - 0.2 * abs(len(rule_step.init) - len(reading.init))
        )
        if best is None or similarity > best[0]:
            numbers = {symbol: Float(value) for symbol, value in reading.constants.items()}
            code_step = {symbol: value.xreplace(numbers) for symbol, value in code_step.items()}
            best = similarity, _difference(rule.name, code_step, rest, tuple(rest_letters.values()))
    assert best is not None
    return best[1]


def _by_name(reading: Lifted, rule_step: Equations) -> dict[Symbol, Symbol]:
    """Return the reading's symbol for each hyper-parameter of a rule: of the same name, or of the same kind."""
    free = list(reading.hyper)
    given: dict[Symbol, Symbol] = {}
    for alike in (lambda mine, other: mine == other, lambda mine, other: kind(str(mine)) == kind(str(other))):
        for symbol in rule_step.hyper.values():
            match = next((mine for mine in free if symbol not in given and alike(mine, symbol)), None)
            if match is not None:
                given[symbol] = match
                free.remove(match)
    return given


def _states(
    reading: Lifted, rule_step: Equations, given: Mapping[Symbol, Symbol], trial: Trial, trace: Trace
) -> dict[Symbol, Symbol]:
    """Return the rule's letter for each state of the reading that has the values of one."""
    each = [
        {symbol: hyper[given[symbol]] if symbol in given else trial.begin / 3 for symbol in rule_step.hyper.values()}
        for hyper in trial.hyper
    ]
    other = trajectory(
        compiled(rule_step.step),
        compiled(rule_step.init),
        Trial(trial.begin, trial.gradients, each, trial.at),
    )
    letters: dict[Symbol, Symbol] = {}
    for state in reading.init:
        for letter in rule_step.init:
            if letter not in letters.values() and all(
                same(mine[state], values[letter]) for mine, values in zip(trace, other, strict=True)
            ):
                letters[state] = letter
                break
    return letters


def _left_over(reading: Lifted, rule_step: Equations, letters: Mapping[Symbol, Symbol]) -> dict[Symbol, Symbol]:
    """Return the one letter that is left for the one state that is left."""
    states = [state for state in reading.init if state not in letters]
    free = [letter for letter in rule_step.init if letter not in letters.values()]
    return {states[0]: free[0]} if len(states) == len(free) == 1 else {}


def _prime(symbol: Symbol) -> Symbol:
    return Symbol(f"{ALPHABET[symbol].unicode if symbol in ALPHABET else symbol}′", real=True)


def _short(step: Mapping[Symbol, Expr], letters: Mapping[Symbol, Symbol]) -> dict[Symbol, Expr]:
    """Return the equations under a rule's letters, with m′ for the new value of m where another equation uses it."""
    new = {value: _prime(letters.get(state, state)) for state, value in step.items() if state != theta}
    new = {value: name for value, name in new.items() if not value.is_Atom}
    short = {}
    for symbol, value in step.items():
        others = {part: name for part, name in new.items() if part != value}
        short[letters.get(symbol, symbol)] = value.xreplace(others).xreplace(dict(letters))
    return short


def _alike(left: Expr, right: Expr) -> float:
    """Return how many parts two expressions share, of all that they have."""
    code_step, rule_step = (Counter(preorder_traversal(side)) for side in (left, right))
    return sum((code_step & rule_step).values()) / sum((code_step | rule_step).values())


def _difference(
    name: str,
    code_step: Mapping[Symbol, Expr],
    rule_step: Mapping[Symbol, Expr],
    unequal: tuple[Symbol, ...],
) -> Nearest:
    """Return the first equation that differs, of states whose values are ``unequal`` or of theta, and where it does."""
    for symbol in (*unequal, theta):
        if code_step[symbol] != rule_step[symbol]:
            mine, other = _parted(code_step[symbol], rule_step[symbol])
            return Nearest(name, _letter(symbol), written(other), written(mine))
    return Nearest(name, "its states", ", ".join(map(_letter, rule_step)), ", ".join(map(_letter, code_step)))


def _letter(symbol: Symbol) -> str:
    return ALPHABET.get(symbol, Letter("", str(symbol), "", "")).unicode


def _parted(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Return the first parts in which two expressions differ, from the outside in."""
    if left.func is not right.func or left.is_Atom or right.is_Atom:
        return left, right
    if not isinstance(left, Add | Mul):
        pairs = [(one, other) for one, other in zip(left.args, right.args, strict=False) if one != other]
        return _parted(*pairs[0]) if len(pairs) == 1 and len(left.args) == len(right.args) else (left, right)
    mine, rule_step = list(_rest(left, right)), list(_rest(right, left))
    if len(mine) == 1 and len(rule_step) == 1:
        return _parted(mine[0], rule_step[0])
    return left.func(*mine), right.func(*rule_step)


def _rest(side: Expr, other: Expr) -> Iterator[Expr]:
    counts = Counter(other.args)
    for argument in side.args:
        if counts[argument]:
            counts[argument] -= 1
        else:
            yield argument
