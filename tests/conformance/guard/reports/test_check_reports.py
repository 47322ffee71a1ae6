"""The result of a check as text, JSON and Markdown."""

from __future__ import annotations

import json
import re

import pytest

from conformance.guard.differences import IN, NEW, OLD, OUT, SAYS, UNKNOWN, cell, checked
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Change, Difference, Point
from stepcheck.guard.comparison.grouped import grouped
from stepcheck.guard.corpus.cell_spec import API, SCHEDULE
from stepcheck.report.guard import check_json, check_markdown, check_text


def test_an_accepted_change_is_not_shown_as_a_difference() -> None:
    entry = cell("A[d] single float32 cpu", [OUT], accepted="because (2026-01-01, torch 2.6.0)")
    assert grouped([entry]) == []
    text = check_text.render(checked(entry), ("changed",))
    assert "leaves the envelope" not in text
    assert "accepted: A[d] single float32 cpu: because (2026-01-01, torch 2.6.0)" in text
    assert "exit code  0" in text


def test_the_whole_text_of_a_small_check() -> None:
    result = checked(
        cell("Adam[default] single float32 cpu", [OUT]),
        cell("Adam[default] foreach float32 cpu", [IN]),
        cell("Adam api", [SAYS], API),
        cell("SGD[plain] single float32 cpu"),
        cell("SGD api", [Point(Change.GONE, "is refused: no such name", api=True)], API),
        cell("StepLR, rising schedule", [], SCHEDULE),
    )
    assert check_text.render(result, ("changed",)) == (
        """\
recorded under  torch 2.6.0, python 3.11.7, numpy 2.4.6, cpu x86_64 AVX512
checked under   torch 2.13.0, python 3.11.7, numpy 2.4.6, cpu x86_64 AVX512

cells       identical  rounding  changed  gone
──────────────────────────────────────────────
Adam                ·         1        2     ·
SGD                 1         ·        ·     1
schedules           1         ·        ·     ·
everything          2         1        2     1

✓ identical: all numbers are bitwise identical, and everything else is the same
≈ rounding: numbers changed, but stay inside the envelope of the rule
✗ changed: a number left the envelope or has none, or states, errors, warnings or the API changed
− gone: no longer exists, or is refused

SGD
  − SGD api: is refused: no such name

Adam
  ✗ Adam[default] single float32 cpu: SC101 leaves the envelope
    bulk: theta of p0[1] is 2.0, was 1.0 (8.4e6 ulp, 1.5e6 radii)
  ✗ Adam api: new warning: UserWarning: soon
  ≈ Adam[default] foreach float32 cpu: SC101 changed within the envelope
    bulk: theta of p0[1] is 2.0, was 1.0 (1 ulp, 0.750 radii)

compared   6 000 numbers, of which 4 differ
fails on   changed: 3 cells fail
exit code  1"""
    )


def test_another_machine_is_mentioned_where_numbers_differ() -> None:
    other = {**NEW, "capability": "DEFAULT"}
    moving = cell("A[d] single float32 cpu", [IN])
    text = " ".join(check_text.render(CheckResult(OLD, other, (moving,)), ("changed",)).split())
    assert "the machines differ in their vector instructions: changes within rounding may come from that" in text
    unmoved = CheckResult(OLD, other, (cell("A api", [], API),))
    assert "the machines differ" not in check_text.render(unmoved, ("changed",))
    assert "the machines differ" not in check_text.render(checked(moving), ("changed",))
    kernel = {**NEW, "platform": "Linux-6.2-x86_64-with-glibc2.36"}
    with_platform = {**OLD, "platform": "Linux-6.1-x86_64-with-glibc2.36"}
    assert "the machines differ" not in check_text.render(CheckResult(with_platform, kernel, (moving,)), ("changed",))


def test_many_differences_are_cut_short_without_verbose() -> None:
    points = [Point(Change.CHANGED, f"way {number}", api=True) for number in range(12)]
    result = checked(cell("A api", points, API))
    text = check_text.render(result, ("changed",))
    assert "way 7" in text
    assert "way 8" not in text
    assert "and 4 more differences; --verbose shows all" in text
    assert "way 11" in check_text.render(result, ("changed",), verbose=True)


def test_a_check_that_compares_nothing_is_reported() -> None:
    text = check_text.render(checked(), ("changed",))
    assert "compared   0 numbers" in text
    assert "exit code  5" in text


def test_json_holds_everything_and_no_number_that_json_has_not() -> None:
    result = checked(
        cell("A[d] single float32 cpu", [OUT, UNKNOWN, SAYS]), cell("A[d] foreach float32 cpu"),
        cell("A[d] fused float32 cpu", [IN], accepted="because"),
    )  # fmt: skip
    raw = json.loads(check_json.render(result, ("api",)), parse_constant=pytest.fail)
    assert (raw["recorded"], raw["checked"], raw["fail_on"], raw["exit_code"]) == (OLD, NEW, ["api"], 1)
    assert raw["identical"] == ["A[d] foreach float32 cpu"]
    first, second = raw["cells"]
    assert (first["change"], first["fails"], first["reals"], first["moved"]) == ("changed", True, 1000, 3)
    assert {(point["ulps"], point["radii"]) for point in first["points"]} >= {("inf", "nan"), (8388608.0, 1.5e6)}
    assert (second["accepted"], second["fails"]) == ("because", False)


NASTY = "</summary><script>alert(1)</script> | a | [b](javascript:c) `d` **e** \x1b[31m\u202e"


def test_markdown_holds_no_markup_of_others() -> None:
    plain = Difference(f"{NASTY} api", API, NASTY, Change.CHANGED, (Point(Change.CHANGED, NASTY, api=True), OUT), 1, 1)
    reasoned = Difference("A api", API, NASTY, Change.CHANGED, (SAYS,), accepted=NASTY)
    text = check_markdown.render(checked(plain, reasoned), ("changed",))
    assert "<script>" not in text
    assert "](javascript" not in text.replace("\\]", "")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "**e**" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_markdown_says_what_text_says() -> None:
    result = checked(cell("Adam[default] single float32 cpu", [OUT]), cell("SGD[plain] single float32 cpu"))
    text = check_markdown.render(result, ("changed",))
    assert text.startswith("## ✗ torch 2.6.0 → 2.13.0: 1 cell fails\n")
    assert "| Adam | · | 1 |" in text
    assert "| SGD | 1 | · |" in text
    assert r"- ✗ Adam\[default\] single float32 cpu: SC101 leaves the envelope" in text
    assert "(8.4e6 ulp, 1.5e6 radii)" in text
    well = check_markdown.render(checked(cell("SGD[plain] single float32 cpu")), ("changed",))
    assert well.startswith("## ✓ torch 2.6.0 → 2.13.0: nothing fails\n")


def test_markdown_keeps_to_its_limit() -> None:
    cells = [
        cell(f"A{n}[d] single float32 cpu", [Point(Change.CHANGED, f"way {k} of {n}", api=True) for k in range(20)])
        for n in range(30)
    ]
    unlimited = check_markdown.render(checked(*cells), ("changed",))
    assert "and 8 more differences" in unlimited
    for limit in (len(unlimited.encode()), 4000, 300, 10, 0):
        assert len(check_markdown.render(checked(*cells), ("changed",), limit=limit).encode()) <= limit
