"""Theorems as text: a line each, and below it how it is proved, or why not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from stepcheck.proving import STATUSES, Proved
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof

MARKS = {"proved": "✓", "refuted": "✗", "undecided": "?"}
WIDTH = 120
NAMED = 2
"""Rules that a line names; where there are more it gives their number."""


def render_theorem(result: Proved, *, verbose: bool = False) -> str:
    """Return the line of one theorem, below it each case that is not proved, and with ``verbose`` source and proofs."""
    subject = _subject(result)
    lines = [f"{MARKS[result.status]} {result.status:<9} {subject}: {result.theorem.sentence}"]
    if verbose:
        lines += _indented(f"where    {result.theorem.condition}")
        lines += _indented(f"source   {result.theorem.source}")
        for how, cases in _grouped(result).items():
            lines += _indented(f"how      {how}  [{'; '.join(map(_names, cases))}]")
    for case, proof in result.proofs:
        if proof.status != "proved":
            lines += _indented(f"{proof.status} for {_names(case)}: {_reason(proof)}")
    return "\n".join(lines)


def render_totals(results: list[Proved]) -> str:
    """Return the last line: how many theorems and proofs there are, and how many of each status."""
    counts = ", ".join(
        f"{sum(result.status == status for result in results)} {status}" for status in reversed(STATUSES)
    )
    proofs = sum(len(result.proofs) for result in results)
    return f"{len(results)} theorems, {proofs} proofs: {counts}"


def _subject(result: Proved) -> str:
    """Return the rules of a theorem: those it relates, or the names or number of those it is about one by one."""
    cases = [case for case, _ in result.proofs]
    if result.theorem.rules:
        return _names(tuple(dict.fromkeys(cases[0])))
    names = [rule.name for (rule,) in cases]
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} rules"


def _names(case: tuple[Rule, ...]) -> str:
    return ", ".join(rule.name for rule in case)


def _grouped(result: Proved) -> dict[str, list[tuple[Rule, ...]]]:
    """Return the rules proved in each way."""
    methods: dict[str, list[tuple[Rule, ...]]] = {}
    for case, proof in result.proofs:
        if proof.status == "proved":
            methods.setdefault(proof.how, []).append(case)
    return methods


def _reason(proof: Proof) -> str:
    return f"{proof.how} ({proof.witness})" if proof.witness else proof.how


def _indented(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 13, break_on_hyphens=False)
