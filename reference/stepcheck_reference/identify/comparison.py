"""Comparison: a reading with the one rule that it is claimed to be."""

from __future__ import annotations

from stepcheck_reference.identify import registry
from stepcheck_reference.identify.conclusion import EQUAL, PROVED
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable
from stepcheck_reference.identify.identification import Match, Runs, proof, takes_the_same_steps
from stepcheck_reference.identify.lifting import lifted
from stepcheck_reference.identify.variants.equations import own_slots
from stepcheck_reference.identify.variants.naming import Name
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule


def compare_reading(reading: Reading, rule: Rule) -> str:
    """Return whether ``reading`` takes the steps of ``rule``: PROVED, EQUAL at 200 bits, or "" where it does not.

    Their hyper-parameters are matched by what they do, and their states by their values. "" also where something of the
    reading cannot be evaluated.
    """
    if not reading.complete:
        return ""
    try:
        plain = lifted(reading)
        runs = Runs(plain)
    except NotEvaluable:
        return ""
    equations, found = own_slots(rule), ""
    for given in registry.chosen(plain, rule):
        if takes_the_same_steps(equations, given, runs):
            match = Match(Name(rule.name, (), rule.name), equations, given)
            if proof(plain, match, runs)[1]:
                return PROVED
            found = EQUAL
    return found
