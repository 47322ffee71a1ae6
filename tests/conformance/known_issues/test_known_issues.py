"""Expected failures: only what an entry's witness shows, and only while it shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request
from stepcheck.certification.survey import Subject
from stepcheck.certification.undeclared.description import describe
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue, matching, release
from stepcheck.processes.executor import Contradiction
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import BFLOAT16
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.verdict import Verdict

TARGET = "tests/planted/rules/adam.py:AdamEpsInsideRoot"
HYPER = {"lr": 1.0, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}
SEEN = Script((Tensor((), "float32", Literal((0.0,))),), (Group((0,), HYPER),), (Step((Literal((1.0,)),)),))
UNSEEN = Script((Tensor((), "float32", Literal((0.0,))),), (Group((0,), HYPER),), (Step((Literal((0.0,)),)),))
CELL = Cell(TARGET, "default", "single", "float32", "cpu")


def issue(**changes: object) -> KnownIssue:
    """Return an issue that covers the planted optimizer's error."""
    facts: dict[str, object] = {
        "name": "eps_inside",
        "explanation": "eps stands inside the root",
        "link": "https://example.org/1",
        "torch": ("2.0", ""),
        "targets": (TARGET,),
        "code": "SC101",
        "outputs": ("theta",),
        "witness": SEEN,
    }
    return KnownIssue(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def judged(fork_server: str) -> Callable[..., CellResult]:
    """Return a function that judges the planted optimizer's cell with some known issues."""
    from conformance.command import ROOT

    target = str(ROOT / TARGET)
    cell = Cell(target, "default", "single", "float32", "cpu")

    def judge(*issues: KnownIssue) -> CellResult:
        with Workers(address=fork_server) as workers:
            request = Request(target=target, rule="adam")
            adapter: Adapter = dataclass_codec.decode(Adapter, describe(request, workers)["adapter"])
            planned = Planned(cell, find("adam"), {})
            subject = Subject(request, adapter, (planned,))
            return CellEvaluator(subject, planned, workers, "2.13.0", known_issues=issues).evaluate()

    return judge


def test_a_failure_that_a_witness_shows_is_expected(judged: Callable[..., CellResult]) -> None:
    (law,) = (law for law in judged(issue(targets=("*",))).laws if law.code == "SC101")
    assert law.verdict is Verdict.EXPECTED_BROKEN
    (failure,) = law.failures
    assert failure.known_issue == "eps_inside"
    assert "https://example.org/1" in failure.explanation


def test_a_failure_of_another_law_is_new(judged: Callable[..., CellResult]) -> None:
    other = judged(issue(targets=("*",), code="SC102", outputs=("v",)))
    assert other.verdict is Verdict.BROKEN
    assert other.fixed_upstream == ("eps_inside",)


def test_avoiding_the_trigger_of_an_issue_hides_nothing_else(judged: Callable[..., CellResult]) -> None:
    """The script stays wrong after this change, so the failure found there is new, beside the known one."""
    result = judged(issue(targets=("*",), avoid_trigger=lambda script: script))
    assert result.verdict is Verdict.BROKEN
    assert sorted(failure.known_issue for failure in result.failures if failure.code == "SC101") == ["", "eps_inside"]


def test_what_an_issue_amounts_to_is_allowed_in_its_cells(judged: Callable[..., CellResult]) -> None:
    coarse = judged(issue(targets=("*",), allow=lambda arithmetic: arithmetic.with_(operations=BFLOAT16)))
    fine = judged(issue(targets=("*",), allow=lambda arithmetic: arithmetic))
    assert coarse.worst["theta"].ratio != fine.worst["theta"].ratio


def test_a_witness_that_no_longer_breaks_is_reported(judged: Callable[..., CellResult]) -> None:
    result = judged(issue(targets=("*",), witness=UNSEEN))
    assert result.verdict is Verdict.BROKEN
    assert result.fixed_upstream == ("eps_inside",)
    assert not any(failure.known_issue for failure in result.failures)


@pytest.mark.parametrize(
    ("changes", "version", "applies"),
    [
        ({}, "2.13.0+cpu", True),
        ({}, "1.13.1", False),
        ({"torch": ("2.0", "2.13")}, "2.13.0", False),
        ({"torch": ("", "2.13.1")}, "2.13.0", True),
        ({"dtypes": ("bfloat16", "float16")}, "2.13.0", False),
        ({"modes": ("s*",)}, "2.13.0", True),
        ({"devices": ("cuda:*",)}, "2.13.0", False),
        ({"configurations": ("amsgrad*",)}, "2.13.0", False),
    ],
)
def test_an_issue_is_keyed_by_release_and_cell(changes: dict[str, object], version: str, applies: bool) -> None:
    assert bool(matching([issue(**changes)], CELL, version)) is applies


def test_releases_compare_as_numbers() -> None:
    assert release("2.13.0+cu128") == release("2.13") > release("2.9.1")
    assert release("2.13.0a0+git") == release("2.13")


def test_every_entry_has_a_name_of_its_own_and_explains_itself() -> None:
    assert len({entry.name for entry in ALL}) == len(ALL)
    assert all(entry.explanation and entry.targets and entry.outputs for entry in ALL)


def test_a_failure_that_arb_does_not_confirm_is_a_contradiction_of_our_own(
    judged: Callable[..., CellResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepcheck_reference.oracle.enclosure.confirms", lambda *_: False)
    with pytest.raises(Contradiction, match="arb arithmetic does not confirm that theta="):
        judged()
