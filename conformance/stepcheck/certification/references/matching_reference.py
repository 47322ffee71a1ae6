"""Matching a target with a rule that the request brings: by names, and by what both read as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.references.brought_rules import Brought
from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck_implementations.matching.description import inheriting
from stepcheck_implementations.matching.hyper_matching import match, slots_of


def matched_with_brought(request: Request, runner: Runner, brought: Brought) -> tuple[Request, Formula | None]:
    """Return ``request`` with what is known of the target's arguments, and how its code compares with the rule.

    An argument of the target is the hyper-parameter that the reference's of the same name is. Where both read as the
    same equations, these say which argument is which, and which number the code has instead of one; where they do not,
    what the target's equations do with an argument whose name says nothing. Numbers that are part of the rule, as a
    count of steps is, are given to the target.
    """
    from stepcheck.certification.formula.formula_of import formula_of
    from stepcheck.certification.undeclared.claims import claim_of
    from stepcheck_reference.rules import find

    signature = runner.signature(request.target)
    if inheriting(signature, request.target) is not None:
        return request, None
    name = str(request.rule)
    formula = formula_of(request, runner, name) if runner.isolated else None
    slots = slots_of(signature["arguments"], signature["defaults"])
    by_alias = match(claim_of(name, find(name)), slots, open_ended=signature["open_ended"]).slots
    wanted = dict(_same_names(brought, slots))
    numbers: dict[str, float] = {}
    if formula is not None and not formula.equal:
        free = [slot for slot in slots if slot not in (*by_alias.values(), *wanted.values())]
        unnamed = {letter: slot for letter, slot in formula.arguments.items() if slot in free}
        wanted |= {letter: slot for letter, slot in unnamed.items() if letter not in {**by_alias, **wanted}}
    elif formula is not None:
        wanted |= {letter: slot for letter, slot in formula.arguments.items() if slot in slots}
        numbers = {letter: value for letter, value in formula.numbers.items() if letter not in by_alias}
    maps = {letter: slot for letter, slot in wanted.items() if by_alias.get(letter) != slot}
    given = {
        slot: float(value)
        for slot, value in brought.numbers.items()
        if slot in signature["arguments"] and signature["defaults"].get(slot) != value
    }
    return (
        replace(request, maps={**maps, **request.maps}, fixed={**numbers, **given, **request.fixed}),
        formula,
    )


def _same_names(brought: Brought, slots: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each hyper-parameter whose argument in the reference is one of ``slots``, with it."""
    for letter, slot in brought.slots.items():
        if slot in slots:
            yield letter, slot
