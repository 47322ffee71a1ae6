"""Anyone's optimizer, end to end: its rule, how it was matched, and what a failure comes with."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepcheck
from conformance.command import ROOT
from stepcheck.certification.failures.replay import replay
from stepcheck.certification.request import WrongRequest
from stepcheck.report.text import render
from stepcheck_reference.verdict import Verdict
from torch_python import TorchPython

UNDECLARED = "tests/implementations/subjects/undeclared.py"

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def certified(name: str, rule: str, **more: object) -> stepcheck.Certificate:
    return stepcheck.certify(f"{UNDECLARED}:{name}", rule=rule, dtypes=["float32"], jobs=1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "rule", "observability"),
    [
        ("adam_pure", "adam", "stepwise"),
        ("rmsprop_course", "rmsprop", "stepwise"),
        ("momentum_lesson", "momentum", "stepwise"),
        ("Adam", "adam", "stepwise"),
        ("Momentum", "momentum", "stepwise"),
        ("Frozen", "sgd", "stepwise"),
    ],
)
def test_third_party_code_that_follows_its_rule_holds(name: str, rule: str, observability: str) -> None:
    certificate = certified(name, rule)
    assert [failure.message for failure in certificate.failures] == []
    assert certificate.verdict is Verdict.HOLDS
    assert certificate.compared > 10_000
    assert {cell.observability for cell in certificate.cells} == {observability}


def test_third_party_code_that_loses_its_state_with_a_checkpoint_breaks() -> None:
    certificate = certified("ByIdentity", "momentum")
    assert certificate.verdict is Verdict.BROKEN
    assert any(step.get("reload") for failure in certificate.failures for step in failure.script["steps"])


def test_a_wrong_update_function_breaks_and_its_program_and_token_show_it(
    torch_python: TorchPython, tmp_path: Path
) -> None:
    certificate = certified("adam_with_wrong_epsilon", "adam")
    assert certificate.verdict is Verdict.BROKEN
    (failure,) = [entry for entry in certificate.failures if entry.code == "SC101"]
    program = tmp_path / "program.py"
    program.write_text(failure.standalone)
    done = torch_python.run(program, cwd=ROOT)
    assert (done.returncode, done.stderr) == (1, "")
    assert "class Updating:" in failure.standalone
    assert "stepcheck" not in failure.standalone.partition('"""\n')[2]
    again = replay(failure.token)
    assert [entry.message for entry in again.failures if entry.code == "SC101"] == [failure.message]
    assert certified("adam_with_wrong_epsilon", "adam_eps_inside").verdict is Verdict.HOLDS


def test_a_failure_of_every_way_to_hold_state_comes_with_a_program_that_fails(
    torch_python: TorchPython, tmp_path: Path
) -> None:
    for name, rule in (("Adam", "adam_eps_hat"), ("Momentum", "nesterov"), ("ByIdentity", "momentum_ema")):
        for failure in certified(name, rule).failures:
            program = tmp_path / f"{name}-{failure.code}.py"
            program.write_text(failure.standalone)
            done = torch_python.run(program, cwd=ROOT)
            assert done.returncode == 1, failure.standalone
            assert done.stderr == "" or failure.fault == "raised", done.stderr
            assert failure.worst is None or repr(failure.worst.observed) in done.stdout


def test_the_report_says_what_was_matched_to_what() -> None:
    text = " ".join(render(certified("Momentum", "momentum")).split())
    assert "matched lr=rate, momentum=gamma; fixed: dampening=0" in text
    assert "state b=store['first']" in text
    text = " ".join(render(certified("Frozen", "sgd")).split())
    assert "matched lr=lr; lr as constructed (nothing shows where to change it)" in text


def test_a_state_that_nothing_identifies_is_not_observed_and_the_report_says_so() -> None:
    certificate = certified("make_rmsprop", "rmsprop_momentum", fixed={"eps": 1e-6, "momentum": 0.5})
    assert "b not found by name or value (see --map)" in " ".join(render(certificate).split())
    assert {cell.observability for cell in certificate.cells} <= {"theta_only", "trajectory"}


def test_a_mapping_and_a_value_inside_are_what_a_user_says() -> None:
    certificate = certified("ManyNames", "sgd", map={"lr": "pace"})
    assert certificate.verdict is Verdict.HOLDS
    inside = certified("adam_lesson", "adam", fixed={"beta1": 0.9, "beta2": 0.999, "eps": 1e-6})
    # it keeps the rule everywhere, and clears the gradient, which is the caller's
    assert {failure.code for failure in inside.failures} == {"SC203"}, [failure.message for failure in inside.failures]
    flags = certified("Flags", "sgd", fixed={"ascend": False, "scale": 1.0})
    assert flags.verdict is Verdict.HOLDS
    assert certified("Flags", "sgd", fixed={"ascend": True, "scale": 1.0}).verdict is Verdict.BROKEN


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"map": {"lrr": "rate"}}, "map=lrr, but should be one of lr, momentum, dampening, b, .*did you mean lr"),
        ({"map": {"lr": "raet"}}, "map=lr=raet, but the arguments are rate, gamma; did you mean rate"),
        ({"fixed": {"gama": 1.0}}, "set=gama, but should be one of .*did you mean gamma"),
        ({"fixed": {"lr": True}}, "set=lr=True, but lr of momentum should be a number"),
    ],
)
def test_a_wrong_argument_is_refused_with_the_nearest_name(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(WrongRequest, match=text):
        certified("Momentum", "momentum", **arguments)


def test_a_library_s_class_has_its_own_mapping() -> None:
    with pytest.raises(WrongRequest, match=r"map=lr, but torch\.optim\.SGD has an adapter of its own"):
        stepcheck.certify("torch.optim.SGD", map={"lr": "lr"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ByNorm", ". Its code was not read: a norm over the whole tensor: line"),
        (
            "ClippedByKernel",
            "Its arguments fit sgd, sign_sgd. Its code was not read: torch._fused_sgd_; it takes the steps of no rule",
        ),
        ("never_callable", "what magic should be. Say which"),
    ],
)
def test_of_code_that_is_not_read_the_rules_that_fit_are_named_and_a_command_where_one_agrees(
    name: str, text: str
) -> None:
    target = f"{UNDECLARED}:{name}"
    with pytest.raises(WrongRequest) as error:
        stepcheck.certify(target)
    assert "name the rule that it implements with --as" in str(error.value)
    assert text.format(target=target) in str(error.value)


def test_a_function_handed_over_in_python_is_matched_too() -> None:
    import torch

    def plain(p: torch.Tensor, grad: torch.Tensor, lr: float) -> torch.Tensor:
        return p - lr * grad

    certificate = stepcheck.certify(plain, rule="sgd", dtypes=["float32"], devices=["cpu"])
    assert certificate.verdict is Verdict.HOLDS
    assert certificate.findings.matched is not None
