"""Lettering: the letters of the alphabet that the states and hyper-parameters of a reading play, by what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sympy import Expr, Rational, Symbol

from stepcheck_reference.alphabet import ALPHABET, t, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE, Domain
from stepcheck_reference.identify.conclusion import PROVED, Identification
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable
from stepcheck_reference.identify.identification import identify_reading
from stepcheck_reference.identify.lifting import lifted
from stepcheck_reference.identify.traits import traits
from stepcheck_reference.identify.writing import written
from stepcheck_reference.printing.tidying import tidied
from stepcheck_reference.reading.as_rule import UNKNOWN, Letters, Zeros, as_rule, default_letters, letters_by_name
from stepcheck_reference.reading.expressions import number_of
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.reading.usual_forms import with_usual_forms
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find

FIXED = "fixed at "
"""How an identification says that the code has a number for a hyper-parameter."""

WEIGHTS = ("beta1", "beta2", "beta3", "beta", "momentum", "rho", "nu", "nu1", "nu2")
"""Letters of what weighs a past against a present, in the order in which they are given."""


def rule_read(
    reading: Reading, answer: Identification, name: str, zeros: Zeros = UNKNOWN, given: Letters | None = None
) -> tuple[Rule, Letters]:
    """Return ``reading`` as the rule ``name``, and its letters: those of the rule that it is, as ``answer`` says.

    Where it is none that is proved, names give the letters, and what a hyper-parameter does; ``given`` are letters that
    symbols have in any case. The rule has the forms in which code usually writes such steps, since another code of the
    same equations may round like any of them. Raises NotARule.
    """
    known = find(answer.rule) if answer.rule is not None and answer.verdict == PROVED else None
    letters = None if known is None else _letters_of(known, reading, answer)
    if letters is not None and any(letters.get(symbol, letter) != letter for symbol, letter in (given or {}).items()):
        letters = None
    forms: Mapping[Symbol, tuple[Expr, ...]] = {}
    if known is None or letters is None:
        letters, domains = _by_role(reading, given or {})
        rule = as_rule(reading, letters, name=name, domains=domains, zeros=zeros)
    else:
        with_ends = [symbol for symbol in zeros.reduces_to if letters[symbol] in known.domains]
        own = {letters[symbol].name for symbol in reading.hyper}
        others = {
            symbol: tuple(name for name in known.domains[letters[symbol]].others_at_zero if name in own)
            for symbol in with_ends
        }
        rule = as_rule(reading, letters, name=name, domains=known.domains, zeros=replace(zeros, others=others))
        forms = _forms_of(known, answer)
    return _with_forms(rule, forms), letters


def rule_written(rule: Rule) -> tuple[Rule, str]:
    """Return a rule that somebody has written down with the usual forms, and the listed rule that it is, "" if none.

    One that says itself which forms it has is returned as it is.
    """
    answer = identify_reading(_as_reading(rule))
    same = str(answer.rule) if answer.rule is not None and answer.verdict == PROVED else ""
    if rule.forms:
        return rule, same
    own = {symbol: symbol for symbol in (*rule.init, *rule.scalars)}
    in_its_letters = same and all(answer.states.get(state.name) == written(state) for state in own)
    forms = _forms_of(find(same), answer) if in_its_letters and not answer.hyper else {}
    return _with_forms(rule, forms), same


def _as_reading(rule: Rule) -> Reading:
    constants = {symbol: Rational(value) for symbol, value in rule.constants.items()}
    return Reading(
        target=rule.name,
        step={symbol: value.xreplace(constants) for symbol, value in rule.step.items()},
        init={**rule.init, **rule.scalars},
        hyper=dict.fromkeys(rule.hyper, 0.5),
        scalars=frozenset(rule.scalars),
    )


def letters_of(reading: Reading, answer: Identification) -> Letters:
    """Return the letters of ``reading`` in the rule that it is by ``answer``, else by name and by what they do."""
    known = find(answer.rule) if answer.rule is not None and answer.verdict == PROVED else None
    letters = None if known is None else _letters_of(known, reading, answer)
    return _by_role(reading, {})[0] if letters is None else letters


def _with_forms(rule: Rule, known: Mapping[Symbol, tuple[Expr, ...]]) -> Rule:
    """Return ``rule`` with averages as papers write them, the usual forms of its equations and the ``known`` ones."""
    constant = (*rule.hyper, *rule.scalars, t)
    step = {symbol: tidied(value, constant) for symbol, value in rule.step.items()}
    used = {symbol for value in (*step.values(), *rule.init.values()) for symbol in value.free_symbols}
    usual, forms = with_usual_forms(step), {}
    for symbol, value in step.items():
        every = (*usual.get(symbol, ()), *known.get(symbol, ()))
        found = dict.fromkeys(form for form in every if form != value and form.free_symbols <= used)
        if found:
            forms[symbol] = tuple(found)
    return replace(rule, step=step, forms=forms)


def _letters_of(known: Rule, reading: Reading, answer: Identification) -> Letters | None:
    """Return the letters that ``known`` has for the states and hyper-parameters of ``reading``, None if not for all."""
    mine = {symbol.name: symbol for symbol in (*reading.step, *reading.hyper)}
    letters: dict[Symbol, Symbol] = {}
    for letter in known.hyper:
        said = answer.hyper.get(letter.name, letter.name)
        if not said.startswith(FIXED):
            if said not in mine:
                return None
            letters[mine[said]] = letter
    for letter in (*known.init, *known.scalars):
        state = mine.get(answer.states.get(letter.name, ""))
        if state is not None:
            letters[state] = letter
    taken = set(letters.values())
    rest = [symbol for symbol in (*reading.hyper, *reading.step) if symbol not in letters and symbol != theta]
    for symbol in rest:
        role = "hyper-parameter" if symbol in reading.hyper else "state"
        suggested = (symbol, *reading.letters.get(symbol, ()), *_of_role(role))
        letter = next((each for each in suggested if each in ALPHABET and each not in taken), None)
        if letter is None:
            return None
        letters[symbol] = letter
        taken.add(letter)
    return letters


def _forms_of(known: Rule, answer: Identification) -> dict[Symbol, tuple[Expr, ...]]:
    """Return the equations of ``known`` and their forms, with the numbers that the code has for hyper-parameters."""
    states = (*known.init, *known.scalars)
    if any(not answer.states.get(letter.name, "").isidentifier() for letter in states):
        return {}
    numbers = {
        letter: number_of(said.removeprefix(FIXED))
        for letter in known.hyper
        if (said := answer.hyper.get(letter.name, "")).startswith(FIXED)
    }
    return {
        symbol: tuple(form.xreplace(numbers) for form in (value, *known.forms.get(symbol, ())))
        for symbol, value in known.step.items()
        if symbol not in known.scalars
    }


def _by_role(reading: Reading, given: Letters) -> tuple[Letters, dict[Symbol, Domain]]:
    """Return letters by name, and for names that say nothing by what the equations do with them; with domains."""
    letters = {symbol: letter for symbol, letter in given.items() if symbol in reading.hyper or symbol in reading.step}
    for symbol, letter in letters_by_name(reading).items():
        if symbol not in letters and letter not in letters.values():
            letters[symbol] = letter
    try:
        seen = traits(lifted(reading))
    except NotEvaluable:
        return default_letters(reading, letters), {}
    domains: dict[Symbol, Domain] = {}
    taken = set(letters.values())
    unnamed = [symbol for symbol in reading.hyper if symbol not in letters]
    for symbol in sorted(unnamed, key=lambda symbol: symbol not in seen["decay"]):
        wanted: tuple[str, ...] = ()
        if symbol in seen["decay"]:
            wanted = WEIGHTS
        elif symbol in seen["start"]:
            wanted = ("initial_accumulator",)
        elif symbol in seen["shrinkage"] and any(letter.name == "lr" for letter in taken):
            wanted = ("weight_decay",)
        elif not any(letter.name == "lr" for letter in taken):
            wanted = ("lr",)
        by_name = {letter.name: letter for letter in _of_role("hyper-parameter") if letter not in taken}
        letter = next((by_name[name] for name in (*wanted, "eps") if name in by_name), None)
        if letter is not None:
            letters[symbol] = letter
            domains[letter] = AVERAGED if symbol in seen["decay"] else NONNEGATIVE
            taken.add(letter)
    return default_letters(reading, letters), domains


def _of_role(role: str) -> Iterator[Symbol]:
    return (symbol for symbol, letter in ALPHABET.items() if letter.role == role)
