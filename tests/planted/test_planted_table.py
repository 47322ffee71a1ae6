"""The table of laws and planted optimizers in the docs: complete, up to date, and read as it was written."""

from __future__ import annotations

from pathlib import Path

from planted import RIGHT, WRONG
from planted.planted_table import BREAKS, CLAIMED, NOT_APPLICABLE, Row, gaps, lines, read
from stepcheck_properties.laws import ALL as LAWS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "laws-and-faults.md"
MAKE = "docs/laws-and-faults.md is out of date; run: python benchmarks/laws_and_faults.py --markdown"
CODES = [law.code for law in LAWS]


def test_the_table_in_the_docs_has_todays_laws_and_planted_optimizers() -> None:
    table = read(PAGE.read_text(encoding="utf-8"))
    assert list(table) == [entry.name for entry in WRONG + RIGHT], MAKE
    assert {tuple(marks) for marks in table.values()} == {tuple(CODES)}, MAKE


def test_in_the_docs_every_law_breaks_on_a_wrong_optimizer_and_every_wrong_one_breaks_what_it_is_planted_for() -> None:
    table = read(PAGE.read_text(encoding="utf-8"))
    for entry in WRONG:
        assert entry.breaks == {code for code, mark in table[entry.name].items() if mark == CLAIMED}, MAKE
    broken = {code for marks in table.values() for code, mark in marks.items() if mark in (CLAIMED, BREAKS)}
    assert broken == set(CODES), MAKE
    for entry in RIGHT:
        assert not {CLAIMED, BREAKS} & set(table[entry.name].values()), MAKE


def row(number: int, **verdicts: str) -> Row:
    return Row(WRONG[number], dict.fromkeys(CODES, "not_applicable") | verdicts)


def test_the_table_is_read_as_it_was_written() -> None:
    (claimed,) = WRONG[0].breaks
    rows = [row(0, **{claimed: "broken", "SC201": "broken"}), row(-1, SC201="holds")]
    table = read("\n".join(lines(rows, CODES)))
    assert list(table) == [WRONG[0].name, WRONG[-1].name]
    assert table[WRONG[0].name] == dict.fromkeys(CODES, NOT_APPLICABLE) | {claimed: CLAIMED, "SC201": BREAKS}
    assert table == read("\n".join(lines(rows, CODES, "all")))


def test_an_empty_row_an_empty_column_a_missed_fault_and_a_false_alarm_are_gaps() -> None:
    (claimed,) = WRONG[0].breaks
    other = next(code for code in CODES if code != claimed)
    whole = row(0, **dict.fromkeys(CODES, "broken"))
    right = Row(RIGHT[0], dict.fromkeys(CODES, "holds"))
    assert gaps([whole], [right], CODES) == []
    assert gaps([whole, row(1)], [right], CODES) == [f"{WRONG[1].name}: no law breaks"]
    assert gaps([row(0, **{claimed: "broken"})], [], [claimed, other]) == [f"{other}: breaks on no planted optimizer"]
    assert f"{WRONG[0].name}: {claimed} should break" in gaps([row(0, **{other: "broken"})], [], [claimed, other])
    assert gaps([whole], [Row(RIGHT[0], {other: "broken"})], CODES) == [f"{RIGHT[0].name}: {other} should hold"]
