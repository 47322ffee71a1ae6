"""Marks: the cell of a table, in every report that has one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.certificates import broken, cell, certificate, fault
from stepcheck.certification.certificate import CellResult, Failure, Worst
from stepcheck.report import html, markdown, text
from stepcheck.report.view.marks import mark, worst_mark
from stepcheck_reference.verdict import Verdict


def exact(code: str, **more: object) -> Failure:
    """Return a failure of a law that asks for equal bits: no radius measures it."""
    worst = Worst(output="theta", tensor=0, step=1, index=0, observed=1.0, expected=2.0, radius=0.0, ratio="inf")
    return broken(code=code, title="two runs are equal", worst=worst, trace=(), **more)


@dataclass(frozen=True)
class Case:
    """A cell and the mark it should have."""

    cell: CellResult
    mark: str


CASES = (
    Case(cell(), "✓ 0.750"),
    Case(cell(Verdict.BROKEN, "float32", broken()), "✗ 25"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC211")), "✗ SC211"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC211"), exact("SC230")), "✗ SC211 +1"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC211"), broken()), "✗ 25"),
    Case(cell(Verdict.BROKEN, "float32", fault("gradient", code="SC203")), "✗ SC203"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC211"), fault("crashed")), "✗ crashed 0.750"),
    Case(cell(Verdict.BROKEN, "float32", broken(), fault("raised")), "✗ raised 25"),
    Case(cell(Verdict.BROKEN, "float32", fault("raised"), worst={}), "✗ raised"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC104"), worst={}), "✗ SC104"),
    Case(cell(Verdict.BROKEN, "float32", exact("SC230", known_issue="known-gap"), exact("SC211")), "✗ SC211"),
    Case(cell(Verdict.EXPECTED_BROKEN, "float32", exact("SC230", known_issue="known-gap")), "! SC230"),
    Case(cell(Verdict.NOT_RUN), "·"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mark)
def test_a_mark_is_the_error_outside_the_envelope_or_else_the_broken_law(case: Case) -> None:
    assert mark(case.cell) == case.mark
    document = certificate(case.cell)
    error = case.mark.partition(" ")[2]
    assert case.mark in text.render(document)
    assert error in html.render(document)
    assert f"| {case.mark} |" in markdown.render(document)
    assert not any("inf radii" in text for text in (html.render(document), markdown.render(document)))


def test_the_legend_explains_codes_where_there_are_any() -> None:
    sentence = "a code is a broken law whose errors stay inside the envelope"
    two = cell(dtype="float64")
    assert sentence in " ".join(text.render(certificate(cell(Verdict.BROKEN, "float32", exact("SC211")), two)).split())
    assert sentence not in " ".join(text.render(certificate(cell(Verdict.BROKEN, "float32", broken()), two)).split())


def test_a_class_is_marked_by_its_largest_error_and_not_by_a_law_without_a_radius() -> None:
    cells = [cell(Verdict.BROKEN, "float32", exact("SC211")), cell(Verdict.BROKEN, "float32", broken())]
    assert worst_mark(cells) == "✗ 25"
    assert worst_mark([*cells, cell(Verdict.BROKEN, "float32", fault("hung"))]) == "✗ hung 0.750"
