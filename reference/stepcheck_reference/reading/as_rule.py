"""As a rule: a reading in letters of the alphabet, which everything takes that takes a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sympy import Eq, Expr, Gt, Integer, Ne, Piecewise, Symbol

from stepcheck_reference import rules
from stepcheck_reference.alphabet import ALPHABET, t, theta
from stepcheck_reference.domain import NONNEGATIVE, Domain
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule, RuleError

Letters = Mapping[Symbol, Symbol]
"""The letter of the alphabet that each state and hyper-parameter of a reading plays."""


class NotARule(ValueError):
    """A reading that no rule has the form of; the message says why."""


@dataclass(frozen=True, slots=True)
class Zeros:
    """What is known of hyper-parameters of a reading at 0, where the code has a path of its own.

    ``alike`` are those with which the equations hold at 0 as well; ``reduces_to`` names the rule that it is for others,
    and ``others`` the letters that are 0 there too.
    """

    alike: frozenset[Symbol] = frozenset()
    reduces_to: Mapping[Symbol, str] = field(default_factory=dict)
    others: Mapping[Symbol, tuple[str, ...]] = field(default_factory=dict)


UNKNOWN = Zeros()


def as_rule(
    reading: Reading,
    letters: Letters | None = None,
    *,
    name: str = "reading",
    domains: Mapping[Symbol, Domain] | None = None,
    zeros: Zeros = UNKNOWN,
) -> Rule:
    """Return ``reading`` as a rule, its states and hyper-parameters called as ``letters`` says.

    A state that begins as theta is taken to be theta in step 1, as no initial value of a rule is one of the run. By
    default they get the letters that their names suggest, then others in the alphabet's order. ``domains`` are known
    ones of letters, and ``zeros`` says what is known at 0. Raises NotARule where something was not read, where the
    alphabet has too few letters, or where the equations are no rule's.
    """
    if not reading.complete:
        raise NotARule(f"{reading.target}: {', '.join(reading.opaque)} was not read, so that its equations are no rule")
    letters = default_letters(reading) if letters is None else letters
    moving = {state: value for state, value in reading.init.items() if value.has(theta)}
    init = {
        letters[state]: Integer(0) if state in moving else value.xreplace(dict(letters))
        for state, value in reading.init.items()
    }
    starts = {state: Piecewise((value, Eq(t, 1)), (state, True)) for state, value in moving.items()}
    scalars = {letters[state]: init.pop(letters[state]) for state in reading.init if state in reading.scalars}
    step = {
        letters.get(symbol, symbol): equation.xreplace(starts).xreplace(dict(letters))
        for symbol, equation in reading.step.items()
    }
    used = {symbol for value in (*init.values(), *scalars.values(), *step.values()) for symbol in value.free_symbols}
    hyper = {letters[symbol]: symbol for symbol in reading.hyper if letters[symbol] in used}
    try:
        return Rule(
            name,
            title=f"What {reading.target} computes.",
            source=f"read from {reading.target}",
            init=init,
            scalars=scalars,
            step=step,
            domains={
                letter: _domain(letter, symbol, reading, (domains or {}).get(letter), zeros)
                for letter, symbol in hyper.items()
            },
        )
    except RuleError as error:
        raise NotARule(f"{reading.target}: what it computes has not the form of a rule: {error}") from error


def letters_by_name(reading: Reading) -> dict[Symbol, Symbol]:
    """Return the letters of the alphabet that the names of states and hyper-parameters suggest."""
    letters = {symbol: symbol for symbol in reading.hyper if symbol in ALPHABET}
    for state in (symbol for symbol in reading.step if symbol != theta):
        suggested = (letter for letter in reading.letters.get(state, ()) if letter not in letters.values())
        letter = next(suggested, None)
        if letter is not None:
            letters[state] = letter
    return letters


def default_letters(reading: Reading, known: Letters | None = None) -> dict[Symbol, Symbol]:
    """Return ``known``, by default the letters that names suggest, and others in the alphabet's order for the rest."""
    letters = letters_by_name(reading) if known is None else dict(known)
    states = [symbol for symbol in reading.step if symbol != theta]
    for role, symbols in (("hyper-parameter", reading.hyper), ("state", states)):
        free = iter(
            [symbol for symbol, letter in ALPHABET.items() if letter.role == role and symbol not in letters.values()]
        )
        for symbol in symbols:
            if symbol not in letters:
                letter = next(free, None)
                if letter is None:
                    raise NotARule(f"{reading.target}: has more {role}s than the alphabet has letters")
                letters[symbol] = letter
    return letters


def _domain(letter: Symbol, symbol: Symbol, reading: Reading, known: Domain | None, zeros: Zeros) -> Domain:
    """Return the values of a hyper-parameter: those of the rules that have it, without a 0 that the code sets apart."""
    value = reading.hyper[symbol]
    domain = known if known is not None and known.contains(value) else None
    if domain is None:
        listed = (rule.domains[letter] for rule in rules.ALL if letter in rule.domains)
        fitting = (each for each in listed if each.contains(value))
        domain = next(fitting, NONNEGATIVE) if letter == symbol else NONNEGATIVE
    domain = replace(domain, reduces_to="", others_at_zero=(), reason="")
    if domain.low != 0:
        return domain
    if symbol in zeros.alike:
        return replace(domain, low_open=False)
    if symbol in zeros.reduces_to:
        other = zeros.reduces_to[symbol]
        reason = f"at {{name}} = 0 it is {other}"
        return replace(
            domain, low_open=True, reason=reason, reduces_to=other, others_at_zero=zeros.others.get(symbol, ())
        )
    return replace(domain, low_open=domain.low_open or bool(symbol in set_apart(reading)))


def set_apart(reading: Reading) -> tuple[Symbol, ...]:
    """Return the hyper-parameters of which the code asks whether they are 0: it has another path there."""
    conditions = {condition for path in reading.paths for condition in path.conditions}
    return tuple(
        symbol for symbol in reading.hyper if any(_sets_zero_apart(condition, symbol) for condition in conditions)
    )


def _sets_zero_apart(condition: Expr, symbol: Symbol) -> bool:
    return condition in (Ne(symbol, 0), Gt(symbol, 0))
