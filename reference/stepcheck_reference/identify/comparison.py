"""Comparison: a reading with the one rule that it is claimed to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Symbol

from stepcheck_reference.identify import registry
from stepcheck_reference.identify.conclusion import EQUAL, PROVED, Nearest
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable
from stepcheck_reference.identify.evaluation.reading_runs import Runs
from stepcheck_reference.identify.identification import proof, takes_them_at_length
from stepcheck_reference.identify.lifting import lifted
from stepcheck_reference.identify.matches import Match, takes_the_same_steps
from stepcheck_reference.identify.nearest import nearest
from stepcheck_reference.identify.variants.equations import own_slots
from stepcheck_reference.identify.variants.naming import Name
from stepcheck_reference.identify.writing import written
from stepcheck_reference.reading.as_rule import Letters
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a reading takes the steps of a rule: ``how`` is PROVED, EQUAL at 200 bits, or "" where it does not.

    ``made`` are the rule's states that the code does not keep as such, each with what they are in its states, and
    ``made_with`` the hyper-parameters in that: the code takes them to be what they were in earlier steps. ``letters``
    gives the rule's symbol for each hyper-parameter and state of the code that is one of the rule's as such. ``tried``
    says that there was anything to compare. ``arguments`` maps the rule's hyper-parameters to the arguments that the
    code has for them, ``numbers`` to the numbers in it.
    """

    how: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    made_with: tuple[str, ...] = ()
    letters: Mapping[Symbol, str] = field(default_factory=dict)
    tried: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


def parting(reading: Reading, rule: Rule, letters: Letters) -> Nearest | None:
    """Return the first part in which ``reading`` is not ``rule``, None where nothing can be evaluated.

    ``letters`` are those of the reading's symbols, by which its hyper-parameters are the rule's.
    """
    given = {letter: symbol for symbol, letter in letters.items() if letter in rule.hyper}
    try:
        plain = lifted(reading)
        made, traces = Runs(plain).for_assignment({})
        return nearest(plain, made[0], traces[0], (rule,), given) if traces else None
    except NotEvaluable:
        return None


def compare_reading(reading: Reading, rule: Rule) -> Comparison:
    """Return how ``reading`` compares with ``rule``.

    Their hyper-parameters are matched by what they do, and their states by their values. Nothing is said to be equal
    where something of the reading cannot be evaluated.
    """
    if not reading.complete:
        return Comparison()
    try:
        plain = lifted(reading)
        runs = Runs(plain)
    except NotEvaluable:
        return Comparison()
    equations, found = own_slots(rule), Comparison(tried=True)
    for given in registry.chosen(plain, rule):
        if takes_the_same_steps(equations, given, runs):
            baked = plain.constants
            hyper = [(slot, symbol) for slot, symbol in equations.hyper.items() if slot in given]
            match = Match(Name(rule.name, (), rule.name), equations, given)
            relation, is_proved = proof(plain, match, runs)
            if not is_proved and not takes_them_at_length(equations, given, runs):
                continue
            made = {str(state): value for state, value in (relation or {}).items() if not value.is_Symbol}
            used = {symbol for value in made.values() for symbol in value.free_symbols}
            found = Comparison(
                PROVED if is_proved else EQUAL,
                {state: written(value) for state, value in made.items()},
                tuple(slot for slot, symbol in given.items() if symbol in used),
                {
                    **{given[slot]: str(symbol) for slot, symbol in hyper if given[slot] not in baked},
                    **{value: str(state) for state, value in (relation or {}).items() if value.is_Symbol},
                },
                True,
                {slot: reading.slots[symbol] for slot, symbol in given.items() if symbol in reading.slots},
                {slot: plain.constants[symbol] for slot, symbol in given.items() if symbol in plain.constants},
            )
            if is_proved:
                return found
    return found
