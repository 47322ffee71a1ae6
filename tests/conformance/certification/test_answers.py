"""The verdict in two lines: what is said of the rule, and what of the contracts."""

from __future__ import annotations

import pytest

from conformance.certificates import EXPECTED, LIBRARY, SCRIPT, broken, cell, certificate, fault
from stepcheck.certification.answers import about, answers
from stepcheck.certification.certificate import CellResult, LawResult
from stepcheck.certification.failures.circumstances import circumstances
from stepcheck.report.text import render
from stepcheck_properties.laws import ALL
from stepcheck_reference.verdict import Verdict


def said(*cells: CellResult, of_library: bool = False) -> tuple[str, str]:
    rule, contracts = answers(cells, "adam", of_library=of_library)
    return rule.text, contracts.text


def contracts(code: str, verdict: Verdict) -> LawResult:
    return LawResult(code=code, verdict=verdict, compared=1)


def test_every_law_is_about_the_rule_or_about_contracts() -> None:
    assert {law.code[:3]: about(law.code) for law in ALL} == {
        "SC1": "rule",
        "SC2": "contracts",
        "SC3": "rule",
        "SC4": "rule",
        "SC5": "rule",
        "SC6": "rule",
    }


def test_a_rule_that_is_kept_is_named_with_the_worst_ratio() -> None:
    assert said(cell()) == ("keeps adam (worst 0.750 radii)", "not checked")


def test_contracts_that_are_kept_are_counted() -> None:
    laws = (*cell().laws, contracts("SC201", Verdict.HOLDS), contracts("SC203", Verdict.HOLDS))
    assert said(cell(laws=laws))[1] == "keeps all 2"


def test_a_broken_rule_is_named_with_the_law_and_its_error() -> None:
    plain = {**SCRIPT, "steps": [{"gradients": [[1.0]]}]}
    rule, _ = said(cell(Verdict.BROKEN, "float32", broken(script=plain)), cell(dtype="bfloat16"))
    assert rule == "breaks adam in 1 of 2 cells (SC101 at 25 radii)"


def test_a_broken_contract_says_what_breaks_it_and_the_rule_is_kept() -> None:
    script = {**SCRIPT, "steps": [{"gradients": [None]}, {"gradients": [[1.0]]}]}
    rule, contract = said(cell(Verdict.BROKEN, "float32", fault("raised", script=script)))
    assert rule == "keeps adam (worst 0.750 radii)"
    assert contract == "breaks SC201 (None gradients)"


def test_a_crash_on_any_script_says_how_it_ended() -> None:
    script = {**SCRIPT, "steps": [{"gradients": [[1.0]]}]}
    assert said(cell(Verdict.BROKEN, "float32", fault("crashed", script=script)))[1] == "breaks SC201 (crashed)"


def test_what_follows_from_a_broken_rule_is_not_a_broken_contract() -> None:
    follower = broken(code="SC214", title="a step is proportional to lr", follows_from="SC101")
    rule, contract = said(cell(Verdict.BROKEN, "float32", broken(), follower))
    assert rule == "breaks adam (SC101 at 25 radii with a loaded state dict)"
    assert contract == "keeps 0 of 1; SC214 follows from the broken rule"


def test_known_issues_are_named_beside_a_rule_that_is_kept() -> None:
    assert said(*EXPECTED.cells)[0] == "keeps adam, known issues in SC101 apart (worst 0.750 radii)"


def test_a_library_keeps_the_rules_of_its_classes() -> None:
    assert said(cell(), of_library=True)[0] == "keeps the rules of its classes (worst 0.750 radii)"


def test_nothing_is_claimed_where_nothing_was_compared() -> None:
    assert said(cell(Verdict.NOT_RUN)) == ("not compared", "not checked")


@pytest.mark.parametrize("document", [EXPECTED, LIBRARY, certificate(cell())])
def test_a_certificate_without_answers_is_read_off_its_cells(document: object) -> None:
    lines = render(document).splitlines()  # type: ignore[arg-type]
    assert any(line.startswith("verdict        rule: ") for line in lines)
    assert any(line.strip().startswith("contracts: ") for line in lines)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": [{"gradients": [[1.0]], "reload": True}]}, "a loaded state dict"),
        ({"steps": [{"gradients": [[1.0]], "skip": True}]}, "a skipped step"),
        ({"steps": [{"gradients": [[1.0]], "hyper": [[0, "lr", 0.5]]}]}, "lr changed between steps"),
        ({"steps": [{"gradients": [["inf"]]}]}, "non-finite gradients"),
        ({"manners": ["sparse"], "steps": [{"gradients": [[1.0]]}]}, "sparse gradients"),
        ({"steps": [{"gradients": [[1.0]]}], "something_new": 1}, "something new"),
    ],
)
def test_what_is_out_of_the_ordinary_in_a_script_is_named(change: dict[str, object], named: str) -> None:
    assert circumstances({**SCRIPT, **change})[0] == named


def test_an_ordinary_script_has_no_circumstances() -> None:
    assert circumstances({**SCRIPT, "steps": [{"gradients": [[1.0]]}]}) == ()
