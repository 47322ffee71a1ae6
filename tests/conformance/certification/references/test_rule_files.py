"""``--as FILE.py:NAME``: a rule that stepcheck has read and written, or that a user writes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from stepcheck.certification.references.brought_rules import brought_rule
from stepcheck.certification.references.rule_files import check_rule
from stepcheck.certification.request import WrongRequest, requested
from stepcheck.certification.survey import survey
from stepcheck.code_reading.read import read_by
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.alphabet import theta
from stepcheck_reference.printing import rule_file
from stepcheck_reference.rewrites import RewriteError
from stepcheck_reference.rules import UnknownRule, find

FAST = "tests/conformance/certification/references/fast_lions.py"
OWN = """
from stepcheck_reference.alphabet import beta1, g, lr, m, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
OWN = Rule(
    "own",
    title="A step along an average.",
    source="me",
    init={m: 0},
    step={m: m_t, theta: theta - lr * m_t},
    domains={lr: NONNEGATIVE, beta1: AVERAGED},
)
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    file = tmp_path / "own.py"
    file.write_text(OWN, encoding="utf-8")
    return f"{file}:OWN"


def test_what_read_writes_is_a_rule_to_certify_with(tmp_path: Path, workers: Workers) -> None:
    file = tmp_path / "slow.py"
    file.write_text(rule_file.text(read_by(workers, "examples/slow.py:Lion", "", "single", {})), encoding="utf-8")
    check_rule(f"{file}:LION")
    request = requested("examples/fast.py:FusedLion", rule=f"{file}:LION", modes=["single"], dtypes=["float32"])
    found = survey(request, workers)
    assert found.formula is not None
    assert (found.formula.rule, found.formula.proved) == (f"{file}:LION", True)
    brought = brought_rule(f"{file}:LION")
    assert brought is not None
    assert (brought.record.read, brought.record.same_as) == (False, "lion")
    assert len(find(f"{file}:LION").forms[theta]) >= 2


def test_a_rule_that_a_user_writes_is_found_by_its_place_and_takes_rewrites(own: str) -> None:
    check_rule(f"{own}+maximize")
    assert find(own).name == own
    assert find(f"{own}+maximize").rewrites == ("maximize",)
    assert find(f"{own}+maximize") is find(f"{own}+maximize")
    brought = brought_rule(f"{own}+maximize")
    assert brought is not None
    assert (brought.record.same_as, brought.record.equations[-1].strip()) == ("momentum_ema", "θ′ = θ − η·m′")
    with pytest.raises(UnknownRule, match="did you mean maximize"):
        check_rule(f"{own}+maximise")
    with pytest.raises(RewriteError, match="eps_inside does not apply"):
        check_rule(f"{own}+eps_inside")


NOTHING = itertools.count()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (OWN, "", r"should name a rule, as in .*:OWN"),
        (OWN, ":ONW", r"no such name; did you mean OWN"),
        (OWN, ":Rule", r"that is a class and no Rule; --like .*:Rule holds the target to what that computes"),
        (OWN, ":beta1", r"that is a Symbol and no Rule"),
        ("x = 1", ":x", r"that is a int and no Rule, and .* defines none"),
        ("import nothing_of_that_name", ":OWN", r"importing it raised ModuleNotFoundError"),
        (OWN.replace("beta1: AVERAGED", ""), ":OWN", r"hyper-parameter beta1 has no domain"),
        (None, ":OWN", r"no such file"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(tmp_path: Path, content: str | None, name: str, said: str) -> None:
    file = tmp_path / f"file{next(NOTHING)}.py"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(WrongRequest, match=said):
        check_rule(f"{file}{name}")
