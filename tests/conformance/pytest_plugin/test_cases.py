"""cases: what the test of a law in a cell comes to, and which tests there are."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import replace

import pytest

import stepcheck
from conformance.command import ROOT, WRONG
from stepcheck.certification.certificate import CellResult, Failure, LawResult
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.pytest_plugin import session as session_module
from stepcheck.pytest_plugin.cases import Case, CasesArguments
from stepcheck.pytest_plugin.outcome import Ending, outcome
from stepcheck.pytest_plugin.session import PytestSession
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.laws import ALL as LAWS
from stepcheck_reference.rules import UnknownRule
from stepcheck_reference.verdict import Verdict

CONTROL = "tests/planted/rules/controls.py:HandWrittenAdam"
CODES = [law.code for law in LAWS]


@pytest.fixture
def pytest_session(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> Iterator[PytestSession]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(session_module, "Workers", functools.partial(Workers, address=fork_server))
    opened = PytestSession()
    yield opened
    opened.close()


def failing(known_issue: str = "") -> Failure:
    return Failure(
        code="SC101",
        title="parameters lie inside the envelope",
        message="theta=1, but should be 0",
        rule="adam",
        script={"tensors": [{"shape": [1]}], "groups": [{}], "steps": [{}]},
        token="sc1-x",
        standalone="raise SystemExit(1)",
        known_issue=known_issue,
        explanation="the kernel rounds" if known_issue else "",
    )


def cell(law: Verdict, *, cell_verdict: Verdict = Verdict.HOLDS, reason: str = "", known_issue: str = "") -> CellResult:
    """Return a cell in which SC101 has the verdict ``law``."""
    broken = law in (Verdict.BROKEN, Verdict.EXPECTED_BROKEN)
    entry = LawResult(code="SC101", verdict=law, failures=(failing(known_issue),) if broken else ())
    return CellResult(
        id="MyAdam[default] single float32 cpu",
        configuration="default",
        mode="single",
        dtype="float32",
        device="cpu",
        rule="adam",
        verdict=cell_verdict,
        reason=reason,
        laws=(entry,),
    )


def by_id(cases: list[Case]) -> dict[str, Case]:
    by_name = {case.id: case for case in cases}
    assert len(by_name) == len(cases)
    return by_name


def test_a_law_that_holds_passes() -> None:
    assert outcome(cell(Verdict.HOLDS), "SC101").ending is Ending.PASSES


def test_a_broken_law_fails_with_the_report() -> None:
    result = outcome(cell(Verdict.BROKEN), "SC101")
    assert result.ending is Ending.FAILS
    for words in ("✗ SC101 parameters", "theta=1, but should be 0", "stepcheck replay sc1-x", "raise SystemExit(1)"):
        assert words in result.failure


def test_a_known_issue_is_an_expected_failure_and_a_failure_if_strict() -> None:
    expected_broken = cell(Verdict.EXPECTED_BROKEN, known_issue="fused-gaps")
    result = outcome(expected_broken, "SC101")
    assert (result.ending, result.reason) == (Ending.XFAILS, "known issue fused-gaps: the kernel rounds")
    assert outcome(expected_broken, "SC101", strict=True).ending is Ending.FAILS


def test_a_new_failure_is_not_hidden_by_a_known_issue_in_the_same_law() -> None:
    mixed = cell(Verdict.BROKEN, known_issue="fused-gaps")
    assert outcome(mixed, "SC101").ending is Ending.FAILS


def test_what_a_user_expects_to_be_broken_is_an_expected_failure_and_an_error_once_it_holds() -> None:
    result = outcome(cell(Verdict.BROKEN), "SC101", expected="issue 12")
    assert (result.ending, result.reason) == (Ending.XFAILS, "issue 12")
    assert "theta=1" in result.failure  # what --runxfail shows
    result = outcome(cell(Verdict.HOLDS), "SC101", expected="issue 12")
    assert result.ending is Ending.FAILS
    assert "[XPASS(strict)] SC101 holds in MyAdam[default] single float32 cpu" in result.failure
    assert "issue 12" in result.failure


def test_what_does_not_apply_is_skipped_with_the_condition() -> None:
    result = outcome(cell(Verdict.NOT_APPLICABLE), "SC101")
    assert (result.ending, result.reason) == (Ending.SKIPS, "not applicable: SC101 applies where every subject")


def test_a_cell_that_is_not_judged_is_skipped_with_its_reason() -> None:
    empty = cell(Verdict.HOLDS, cell_verdict=Verdict.NOT_RUN, reason="ask with --mode compiled")
    assert outcome(empty, "").reason == "not run: ask with --mode compiled"


def test_a_law_that_is_left_to_another_dtype_is_skipped_and_says_where_it_runs() -> None:
    result = outcome(cell(Verdict.NOT_RUN), "SC101")
    assert (result.ending, result.reason.partition(":")[0]) == (Ending.SKIPS, "not run")
    assert "in every dtype from profile standard on" in result.reason


def test_a_vacuous_law_is_skipped_and_a_vacuous_cell_warns() -> None:
    of_law = outcome(cell(Verdict.VACUOUS), "SC101")
    assert (of_law.ending, of_law.warns) == (Ending.SKIPS, False)
    of_cell = outcome(cell(Verdict.VACUOUS, cell_verdict=Verdict.VACUOUS, reason="nothing was compared"), "SC101")
    assert (of_cell.ending, of_cell.warns, of_cell.reason) == (Ending.SKIPS, True, "vacuous: nothing was compared")


def test_a_vacuous_cell_fails_where_nothing_was_compared_in_any_cell() -> None:
    empty = cell(Verdict.VACUOUS, cell_verdict=Verdict.VACUOUS, reason="nothing was compared")
    assert outcome(empty, "SC101", elsewhere=lambda: False).ending is Ending.FAILS


def test_cells_are_evaluated_until_one_supports_a_claim(
    pytest_session: PytestSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = pytest_session.evaluation_session(
        CONTROL, Request(target=CONTROL, rule="adam", dtypes=("float32", "float64"))
    )
    evaluated: list[str] = []
    empty = cell(Verdict.VACUOUS, cell_verdict=Verdict.VACUOUS)

    def evaluate(number: int) -> CellResult:
        evaluated.append(session.planned[number].cell.dtype)
        return empty

    monkeypatch.setattr(session, "evaluate", evaluate)
    assert not session.supports_a_claim()
    assert sorted(evaluated) == ["float32", "float64"]
    session._results[1] = cell(Verdict.HOLDS)
    assert session.supports_a_claim()
    assert len(evaluated) == 2


class FinishedSession:
    """A session in which every cell has the same result."""

    def __init__(self, result: CellResult) -> None:
        self.answer = result

    def result(self, number: int) -> CellResult:
        return self.answer

    def supports_a_claim(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("verdict", "expected", "raised"),
    [
        (Verdict.BROKEN, "", pytest.fail.Exception),
        (Verdict.BROKEN, "issue 12", pytest.xfail.Exception),
        (Verdict.EXPECTED_BROKEN, "", pytest.xfail.Exception),
        (Verdict.HOLDS, "issue 12", pytest.fail.Exception),
        (Verdict.VACUOUS, "", pytest.skip.Exception),
    ],
)
def test_a_check_tells_pytest_how_the_test_ends(verdict: Verdict, expected: str, raised: type[BaseException]) -> None:
    case = Case(None, "SC101", "MyAdam-default", 0, FinishedSession(cell(verdict)), expected)  # type: ignore[arg-type]
    with pytest.raises(raised) as stop:
        case.check()
    assert raised is not pytest.fail.Exception or not stop.value.pytrace  # type: ignore[attr-defined]


def test_a_check_of_a_vacuous_cell_warns_at_the_line_of_the_test() -> None:
    vacuous = FinishedSession(cell(Verdict.VACUOUS, cell_verdict=Verdict.VACUOUS, reason="nothing was compared"))
    case = Case(None, "SC101", "MyAdam-default", 0, vacuous)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="nothing was compared") as warned, pytest.raises(pytest.skip.Exception):
        case.check()
    assert warned[0].filename == __file__


def test_there_is_a_test_for_each_law_in_each_cell_and_one_for_a_cell_that_is_left_out(
    pytest_session: PytestSession,
) -> None:
    by_name = by_id(
        pytest_session.cases(CasesArguments("torch.optim.SGD", dtypes=["float32"], modes=["single", "capturable"]))
    )
    assert [name for name in by_name if name.startswith("SGD-plain-single")] == [
        f"SGD-plain-single-float32-cpu-{code}" for code in CODES
    ]
    assert "SGD-plain-capturable-float32-cpu" in by_name
    assert "SGD-nesterov+maximize-single-float32-cpu-SC101" in by_name


def test_a_cell_is_examined_once_and_only_when_it_is_needed(
    pytest_session: PytestSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[str] = []
    by_name = by_id(pytest_session.cases(CasesArguments(CONTROL, rule="adam", dtypes=["float32", "float64"])))
    session = by_name["HandWrittenAdam-default-single-float32-cpu-SC101"].session
    evaluate = session.evaluate
    monkeypatch.setattr(
        session, "evaluate", lambda number: (evaluated.append(session.planned[number].cell.dtype), evaluate(number))[1]
    )
    assert evaluated == []
    for case in by_name.values():
        if "-single-float32-" in case.id:
            with contextlib.suppress(pytest.skip.Exception):
                case.check()
    assert evaluated == ["float32"]


def test_a_planted_error_fails_in_its_law_and_can_be_expected(pytest_session: PytestSession) -> None:
    arguments = CasesArguments(WRONG, rule="adam", dtypes=["float32"], modes=["single"])
    by_name = by_id(pytest_session.cases(arguments))
    with pytest.raises(pytest.fail.Exception, match="SC101 parameters lie inside the envelope"):
        by_name["AdamEpsInsideRoot-default-single-float32-cpu-SC101"].check()
    by_name["AdamEpsInsideRoot-default-single-float32-cpu-SC102"].check()
    forgiving = replace(arguments, expected_failures={("SC101", "*-float32-*"): "ε is inside"})
    again = by_id(pytest_session.cases(forgiving))
    with pytest.raises(pytest.xfail.Exception, match="ε is inside"):
        again["AdamEpsInsideRoot-default-single-float32-cpu-SC101"].check()


def test_a_class_handed_over_runs_in_this_process() -> None:
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "Workers", None)
        by_name = by_id(PytestSession().cases(CasesArguments(torch.optim.SGD, dtypes=["float32"], modes=["single"])))
        by_name["SGD-plain-single-float32-cpu-SC101"].check()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"SC1O1": "a letter"}, r"expected_failures=SC1O1, .* \(did you mean SC101\?\)"),
        ({("SC101",): "one part"}, r"but should be a law's code or a pair"),
        ({"SC101": " "}, r"should say why SC101 is broken"),
    ],
)
def test_a_wrong_expectation_is_refused_before_anything_runs(entries: dict[object, str], message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        PytestSession().cases(CasesArguments(CONTROL, rule="adam", expected_failures=entries))  # type: ignore[arg-type]


def test_an_impossible_request_is_refused(pytest_session: PytestSession) -> None:
    with pytest.raises(UnknownRule, match="adam"):
        pytest_session.cases(CasesArguments(CONTROL, rule="adma"))
    with pytest.raises(WrongRequest, match="did you mean float32"):
        pytest_session.cases(CasesArguments(CONTROL, rule="adam", dtypes=["flot32"]))
    with pytest.raises(WrongRequest, match="there is nothing to compare"):
        pytest_session.cases(CasesArguments("torch.optim.SGD", modes=["capturable"]))


def test_the_decorator_marks_the_function_and_leaves_it_as_it_is() -> None:
    def function(case: Case) -> None:
        raise AssertionError

    assert stepcheck.cases(CONTROL, rule="adam")(function) is function
    (mark,) = function.pytestmark  # type: ignore[attr-defined]
    assert (mark.name, mark.args[0].rule) == ("stepcheck", "adam")


def test_a_cell_that_could_not_be_evaluated_says_why_once_and_is_not_evaluated_again(
    pytest_session: PytestSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = pytest_session.cases(CasesArguments(CONTROL, rule="adam", dtypes=["float32"], modes=["single"]))
    evaluated: list[int] = []

    def fail(number: int) -> CellResult:
        evaluated.append(number)
        raise RuntimeError("planted")

    monkeypatch.setattr(cases[0].session, "evaluate", fail)
    with pytest.raises(pytest.fail.Exception, match=r"(?s)was not evaluated: stepcheck itself failed.*planted"):
        cases[0].check()
    for case in cases[1:5]:
        with pytest.raises(pytest.fail.Exception, match=r"was not evaluated, as the first of its tests says$"):
            case.check()
    assert evaluated == [0]
