"""The table laws x planted optimizers: what each law says of each, as text that can be read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from planted import Planted
from stepcheck_properties.law import Law

CLAIMED, BREAKS, HOLDS, VACUOUS, NOT_APPLICABLE, UNKNOWN = "X", "x", ".", "o", "-", "?"
MARKS = {"broken": BREAKS, "holds": HOLDS, "vacuous": VACUOUS, "not_applicable": NOT_APPLICABLE}
LEGEND = f"""\
{CLAIMED} breaks, and is what the optimizer was planted for; {BREAKS} breaks too; {HOLDS} holds;
{NOT_APPLICABLE} does not apply; {VACUOUS} applies, and nothing could be compared"""
DIGITS = 3
"""A law's code without its letters, one digit below the other."""

_HEAD = re.compile(r"(?:[a-z_./]+)? +([\d ]+)")
_ROW = re.compile(rf"(\w+) +((?:[{CLAIMED}{BREAKS}{HOLDS}{VACUOUS}{UNKNOWN}{NOT_APPLICABLE}] ?)+)")


@dataclass(frozen=True, slots=True)
class Row:
    """A planted optimizer with the verdict of each law on it, by code."""

    entry: Planted
    verdicts: Mapping[str, str]

    @property
    def broken(self) -> frozenset[str]:
        """The laws that break on it."""
        return frozenset(code for code, verdict in self.verdicts.items() if verdict == "broken")

    def mark(self, code: str) -> str:
        """What stands in the table for the law with this code."""
        if code in self.broken:
            return CLAIMED if code in self.entry.breaks else BREAKS
        return MARKS.get(self.verdicts.get(code, ""), UNKNOWN)


def lines(rows: Sequence[Row], codes: Sequence[str], title: str = "") -> Iterator[str]:
    """Yield the table's lines: codes as columns of digits, rows of one file under its name, or all under ``title``."""
    width = max((len(row.entry.name) for row in rows), default=0)
    heads = [" ".join(digits) for digits in zip(*(code[-DIGITS:] for code in codes), strict=True)]
    for head, group in groupby(rows, key=lambda row: title or row.entry.file):
        yield ""
        for number, digits in enumerate(heads, 1):
            yield f"{head if number == DIGITS else '':{width}}  {digits}"
        for row in group:
            yield f"{row.entry.name:{width}}  {' '.join(row.mark(code) for code in codes)}"


def read(text: str) -> dict[str, dict[str, str]]:
    """Return what ``lines`` wrote: for each optimizer's name the mark of each law, by code."""
    table: dict[str, dict[str, str]] = {}
    heads: list[str] = []
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            heads = [*heads[-DIGITS + 1 :], head[1]]
        elif row := _ROW.fullmatch(line):
            codes = ["SC" + "".join(digits) for digits in zip(*(head.split() for head in heads), strict=True)]
            table[row[1]] = dict(zip(codes, row[2].split(), strict=True))
    return table


def counts(rows: Sequence[Row], laws: Iterable[Law]) -> Iterator[str]:
    """Yield the lines of a Markdown table that says how many of ``rows`` each law breaks on."""
    yield "| law | what it says | breaks on | holds on | does not apply to |"
    yield "|---|---|--:|--:|--:|"
    for law in laws:
        verdicts = [row.verdicts.get(law.code, "") for row in rows]
        numbers = " | ".join(str(verdicts.count(verdict)) for verdict in ("broken", "holds", "not_applicable"))
        yield f"| {law.code} | {law.title} | {numbers} |"


def gaps(wrong: Sequence[Row], right: Sequence[Row], codes: Sequence[str]) -> list[str]:
    """Return a line for everything that proves less than it should.

    That is a planted optimizer on which nothing breaks, or not what it was planted for; a law that breaks on none; and
    one that breaks on an optimizer that is right.
    """
    problems = [f"{row.entry.name}: no law breaks" for row in wrong if not row.broken]
    for row in wrong:
        if row.broken and (missed := sorted(row.entry.breaks - row.broken)):
            problems.append(f"{row.entry.name}: {', '.join(missed)} should break")
    broken = frozenset[str]().union(*(row.broken for row in wrong))
    problems += [f"{code}: breaks on no planted optimizer" for code in codes if code not in broken]
    return problems + [f"{row.entry.name}: {', '.join(sorted(row.broken))} should hold" for row in right if row.broken]
