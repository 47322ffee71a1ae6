"""A target is held to what a reference computes: right ones keep it, wrong ones break it, and what is no reference."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

import stepcheck
from conformance.certification.references.heavy_balls import Plain
from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import from_json
from stepcheck.certification.failures import replay
from stepcheck.certification.failures.replay_token import decode
from stepcheck.certification.output.resumption import Earlier, check_directory
from stepcheck.certification.references.bringing import with_reference
from stepcheck.certification.request import WrongRequest, requested, target_name
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import Survey, survey
from stepcheck.pytest_plugin import session
from stepcheck.pytest_plugin.cases import CasesArguments
from stepcheck.pytest_plugin.scaffold import pytest_file
from stepcheck.report.text import render
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.alphabet import momentum, weight_decay
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.verdict import Verdict

SLOW = "examples/slow.py:Lion"
FAST = "tests/conformance/certification/references/fast_lions.py"
HEAVY = "tests/conformance/certification/references/heavy_balls.py"

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def certified(target: str | type, like: str | type = SLOW, **more: object) -> stepcheck.Certificate:
    only = {"modes": ["single"], "dtypes": ["float32"], "select": ["SC1"], "jobs": 1}
    return stepcheck.certify(target, like=like, **{**only, **more})  # type: ignore[arg-type]


def test_a_fast_version_keeps_what_the_slow_one_computes_whatever_its_arguments_are_called() -> None:
    certificate = certified(f"{FAST}:RightInAnotherWay", select=["SC101"])
    findings = certificate.findings
    assert (certificate.exit_code(), findings.rule) == (0, SLOW)
    assert findings.formula is not None
    assert (findings.formula.equal, findings.formula.proved, findings.formula.rule) == (True, True, SLOW)
    assert findings.matched is not None
    assert findings.matched.hyper == {"lr": "rate", "beta1": "short", "beta2": "long", "weight_decay": "shrink"}
    assert findings.matched.states == {"m": "memory"}
    reference = findings.reference
    assert reference is not None
    assert (reference.read, reference.same_as, reference.unverified) == (True, "lion", "")
    assert reference.compared > 1000
    assert "θ′ = θ − η·(sign((1 − β₁)·g + β₁·m) + λ·θ)" in render(certificate)
    assert from_json(certificate.to_json()) == certificate


def test_one_that_decays_after_the_step_is_broken_and_its_token_reads_the_reference_again(
    monkeypatch: pytest.MonkeyPatch, fork_server: str
) -> None:
    certificate = certified(f"{FAST}:DecaysAfterTheStep", select=["SC101"])
    formula = certificate.findings.formula
    assert certificate.exit_code() == 1
    assert formula is not None
    assert (formula.equal, formula.reads_as) == (False, "lion+decay_after_step")
    assert "they first part in θ: (1 − η·λ)·(θ − η·sign((1 − β₁)·g + β₁·m))" in formula.text
    failure = certificate.failures[0]
    assert (decode(failure.token).like, decode(failure.token).rule) == (SLOW, SLOW)
    monkeypatch.setattr(replay, "Workers", functools.partial(Workers, address=fork_server))
    again = replay.replay(failure.token)
    assert failure.code in {entry.code for entry in again.failures}
    assert "from fast_lions import DecaysAfterTheStep" in failure.standalone


def surveyed(runner: Runner, target: str, like: str | type) -> Survey:
    name = target_name(like)
    wanted = requested(target, like=name, modes=["single"], dtypes=["float32"])
    return survey(with_reference(wanted, like, runner, verified=False), runner)


ONE_STEP = Script(
    (Tensor((), "float32", Literal((1.0,))),),
    (Group((0,), {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.25}),),
    (Step((Literal((1.0,)),)),),
)


def test_options_that_both_have_are_switched_in_both(workers: Workers) -> None:
    verdicts = {}
    for name in ("Fast", "NegatesTheDecay"):
        found = surveyed(workers, f"{HEAVY}:{name}", f"{HEAVY}:Plain")
        for subject, planned in found.cells:
            assert planned.rule is not None
            result = CellEvaluator(subject, planned, workers, known_issues=()).replay(ONE_STEP)
            verdicts[name, planned.cell.configuration] = (planned.rule.name, result.verdict)
    plain, maximizing = f"{HEAVY}:Plain", f"{HEAVY}:Plain(maximize=True)"
    assert verdicts == {
        ("Fast", "default"): (plain, Verdict.HOLDS),
        ("Fast", "maximize"): (maximizing, Verdict.HOLDS),
        ("NegatesTheDecay", "default"): (plain, Verdict.HOLDS),
        ("NegatesTheDecay", "maximize"): (maximizing, Verdict.BROKEN),
    }


def test_a_path_of_its_own_at_0_is_another_rule_there(workers: Workers) -> None:
    surveyed(workers, f"{HEAVY}:Fast", f"{HEAVY}:Plain")
    rule = find(f"{HEAVY}:Plain")
    assert rule.domains[momentum].reduces_to == f"{HEAVY}:Plain(momentum=0)"
    assert not rule.domains[momentum].contains(0)
    assert rule.domains[weight_decay].contains(0)
    assert not find(rule.domains[momentum].reduces_to).states


def test_a_class_is_a_reference_in_python(workers: Workers) -> None:
    found = surveyed(workers, f"{HEAVY}:Fast", Plain)
    assert found.formula is not None
    assert found.formula.equal
    assert found.formula.rule == "conformance.certification.references.heavy_balls:Plain"


def test_a_pytest_file_is_written_with_the_reference(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    monkeypatch.setattr(session, "Workers", functools.partial(Workers, address=fork_server))
    text = pytest_file(requested("examples/fast.py:FusedLion", like=SLOW))
    assert f'    "examples/fast.py:FusedLion",\n    like="{SLOW}",\n' in text


def test_cases_take_a_reference_as_certify_does(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    monkeypatch.setattr(session, "Workers", functools.partial(Workers, address=fork_server))
    arguments = CasesArguments(f"{HEAVY}:Fast", like=Plain, dtypes=["float32"], modes=["single"])
    opened = session.PytestSession()
    try:
        cases = opened.cases(arguments)
        rules = {
            case.cell.configuration: planned.rule for case in cases for planned in [case.session.planned[case.number]]
        }
    finally:
        opened.close()
    assert {name: str(rule.name).rpartition(":")[2] for name, rule in rules.items() if rule is not None} == {
        "default": "Plain",
        "maximize": "Plain(maximize=True)",
    }


@pytest.mark.parametrize(
    ("like", "said"),
    [
        ("adam", "that is a rule and no code; --as adam"),
        ("nothing", "should be a class or an update function"),
        ("torch.optim", "is a library; name one class of it"),
        (f"{HEAVY}:DividesByANorm", r"not all of its code was read, so that it is no reference: .*norm"),
        (f"{HEAVY}:ChangesAfterSomeCalls", r"does something else than was read .* in the script many_steps, step"),
        ("examples/slow.py:Lino", "did you mean Lion"),
        ("examples/slwo.py:Lion", "did you mean slow.py"),
    ],
)
def test_what_is_no_reference_is_refused_in_a_sentence(like: str, said: str) -> None:
    with pytest.raises((WrongRequest, TargetError), match=said):
        certified(f"{FAST}:RightInAnotherWay", like)


def test_a_target_is_held_to_a_rule_or_to_a_reference() -> None:
    with pytest.raises(WrongRequest, match=r"as=lion and like=examples/slow.py:Lion, but a target is held to one"):
        certified(f"{FAST}:RightInAnotherWay", rule="lion")
    with pytest.raises(WrongRequest, match=r"like=examples/slow.py:Lion, but torch.optim is a library"):
        certified("torch.optim")


def test_results_are_taken_over_only_where_the_reference_is_the_same(tmp_path: Path) -> None:
    slow, out = tmp_path / "slow.py", tmp_path / "out"
    slow.write_text("# plain", encoding="utf-8")
    request = requested(FAST, like=f"{slow}:Lion")
    out.mkdir()
    Earlier(out, request).take({}, [], {})
    first = json.loads((out / "request.json").read_text(encoding="utf-8"))
    assert first["request"]["like"] == f"{slow}:Lion"
    slow.write_text("# plainer", encoding="utf-8")
    Earlier(out, request).take({}, [], {})
    assert json.loads((out / "request.json").read_text(encoding="utf-8"))["sources"] != first["sources"]
    with pytest.raises(WrongRequest, match=r"with like=.*slow.py:Lion"):
        check_directory(out, requested(FAST, like=SLOW))
