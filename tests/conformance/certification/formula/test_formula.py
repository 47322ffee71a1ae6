"""Certify says which rule the code computes, takes that rule where none is named, and never takes a near miss."""

from __future__ import annotations

import ast

import pytest

import stepcheck
from conformance.command import WRONG
from stepcheck.certification.certificate import Answer
from stepcheck.certification.formula.formula_of import judged
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.pytest_plugin import scaffold
from stepcheck.report.text import render
from stepcheck_reference.verdict import Verdict

UNDECLARED = "tests/implementations/subjects/undeclared.py"

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def certified(target: str, **more: object) -> stepcheck.Certificate:
    only = {"modes": ["single"], "dtypes": ["float32"], "select": ["SC1"], "jobs": 1}
    return stepcheck.certify(target, **{**only, **more})  # type: ignore[arg-type]


def formula(certificate: stepcheck.Certificate) -> Formula:
    found = certificate.findings.formula
    assert found is not None
    return found


def test_without_a_rule_that_of_the_code_is_taken_and_the_report_says_so() -> None:
    certificate = certified(WRONG)
    found = formula(certificate)
    assert (found.rule, found.equal, found.proved, found.taken) == ("adam_eps_inside", True, True, True)
    assert certificate.exit_code() == 0
    assert {cell.rule for cell in certificate.cells} == {"adam_eps_inside"}
    assert "adam_eps_inside" in " ".join(render(certificate).partition("formula ")[2].split())
    assert "read from the code: proved; no rule was named" in " ".join(render(certificate).split())


def test_arguments_of_any_name_and_numbers_in_the_code_are_matched_by_what_they_do() -> None:
    heavy = certified(f"{UNDECLARED}:Heavy")
    assert heavy.findings.matched is not None
    assert heavy.findings.matched.hyper == {"lr": "speed", "momentum": "keep"}
    assert heavy.findings.matched.states == {"b": "pull"}
    assert (formula(heavy).rule, heavy.exit_code()) == ("momentum", 0)
    baked = formula(certified(f"{UNDECLARED}:make_rmsprop"))
    assert (baked.rule, baked.numbers, baked.arguments) == ("rmsprop", {"eps": 1e-6}, {"beta2": "smoothing"})


def test_code_that_computes_another_rule_than_it_claims_is_said_to() -> None:
    certificate = certified(WRONG, rule="adam")
    found = formula(certificate)
    assert (found.equal, found.reads_as, found.proved) == (False, "adam_eps_inside", True)
    assert "ε is inside the root" in found.text
    assert certificate.findings.keeps is not None
    assert certificate.findings.keeps.rule == "adam_eps_inside"


def test_code_that_computes_what_it_claims_is_said_to() -> None:
    for target, rule in (("torch.optim.AdamW", None), ("torch.optim.Adam", None), (f"{UNDECLARED}:Adam", "adam")):
        found = formula(certified(target, rule=rule))
        assert (found.equal, found.proved, found.taken) == (True, True, False), target


def test_code_that_no_rule_computes_is_not_given_a_name() -> None:
    with pytest.raises(WrongRequest, match=r"no rule here computes what its code does, which is .*\|g\|"):
        certified(f"{UNDECLARED}:ByCubes")
    claimed = certified(f"{UNDECLARED}:ByCubes", rule="adagrad", fixed={"eps": 1e-8})
    found = formula(claimed)
    assert (found.equal, found.reads_as, claimed.findings.keeps) == (False, "", None)
    assert found.text.startswith("not adagrad, nor any other rule here")


def test_code_that_cannot_be_read_is_taken_for_the_rule_whose_steps_it_takes_and_held_to_it() -> None:
    certificate = certified("tests/implementations/subjects/readable.py:Unseen")
    found = formula(certificate)
    assert (found.rule, found.equal, found.taken, certificate.exit_code()) == ("momentum", False, True, 0)
    assert "steps it did what momentum does; no rule was named" in " ".join(render(certificate).split())


def test_what_is_not_read_is_not_claimed() -> None:
    found = formula(certified(f"{UNDECLARED}:SgdByKernel", rule="sgd"))
    assert (found.equal, "_fused_sgd_" in found.unread) == (False, True)
    assert found.text.startswith("not read: ")


def test_a_test_file_names_the_rule_that_was_read() -> None:
    text = scaffold.pytest_file(Request(target=WRONG))
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    (call,) = function.decorator_list
    assert isinstance(call, ast.Call)
    assert {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}["rule"] == "'adam_eps_inside'"


def test_a_reading_that_is_not_what_all_runs_keep_claims_nothing() -> None:
    other = Formula(rule="adam", reads_as="adam_eps_hat", proved=True)
    keeps, breaks = (
        (Answer(about="rule", verdict=verdict, text=""), Answer(about="contracts", verdict=Verdict.BROKEN, text=""))
        for verdict in (Verdict.HOLDS, Verdict.BROKEN)
    )
    assert judged(other, keeps).text.startswith("not read: its runs keep adam")
    assert judged(other, breaks) is other
    same = Formula(rule="adam", equal=True, proved=True)
    assert judged(same, breaks) is same


def test_states_that_the_code_keeps_in_another_form_are_not_compared_under_their_names() -> None:
    planted = "tests/planted/options/conventions.py"
    right = certified(f"{planted}:AdamKeepsCorrectedAverages", rule="adam")
    assert [failure.message for failure in right.failures] == []
    assert formula(right).made == {"m": "(1 − β₁ᵗ)·m", "v": "(1 − β₂ᵗ)·v"}
    assert set(formula(right).made_with) == {"beta1", "beta2"}
    assert {cell.observability for cell in right.cells} == {"theta_only"}
    wrong = certified(f"{planted}:AdamCorrectsOneAverageTwice", rule="adam")
    assert (formula(wrong).equal, wrong.exit_code()) == (False, 1)
