"""Wrong requests: exit code 2, what was given, what is allowed, the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepcheck.certification.request import Request, WrongRequest, claimed_rule, settings
from stepcheck.cli.commands import main
from stepcheck_implementations.adapters.torch_optim import ADAM, ADAMW, SGD

UNDECLARED = "tests/implementations/subjects/undeclared.py"
ADAMW_NAME = "torch.optim.AdamW"


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command line in this process; return its exit code and what it said on stderr."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        (("certify", ADAMW_NAME, "--dtype", "float23"), ("dtype=float23", "did you mean float32?")),
        (("certify", ADAMW_NAME, "--mode", "foreech"), ("mode=foreech", "capturable", "did you mean foreach?")),
        (("certify", ADAMW_NAME, "--profile", "quik"), ("profile=quik", "thorough", "did you mean quick?")),
        (("certify", ADAMW_NAME, "--seed", "-1"), ("seed=-1",)),
        (("certify", ADAMW_NAME, "--set", "lr"), ("set=lr", "NAME=NUMBER")),
        (("certify", ADAMW_NAME, "--set", "lr=fast"), ("set=lr=fast", "NAME=NUMBER")),
        (("certify", ADAMW_NAME, "--set", "lr=nan"), ("set=lr=nan", "finite")),
        (("certify", ADAMW_NAME, "--set", "lr=1", "--set", "lr=2"), ("set=lr=2", "already")),
        (("certify", ADAMW_NAME, "--jobs", "0"), ("--jobs", "0")),
        (("certify", ADAMW_NAME, "--strct"), ("--strict",)),
        (("certify",), ("TARGET",)),
        (("certfy", ADAMW_NAME), ("certfy",)),
        (("explain", "SC999"), ("code=SC999", "SC101")),
        (("replay", "sc2-abc"), ("sc1-",)),
        (("replay", "sc1-abc"), ("not whole",)),
        (("rules", "addam"), ("addam", "did you mean adam?")),
        (("rules", "--latex"), ("--latex needs a RULE",)),
        *(
            (("certify", ADAMW_NAME, option, empty), (f"{option}={empty!r}, but should not be empty",))
            for option, empty in (
                *(
                    (name, "")
                    for name in ("--as", "--mode", "--dtype", "--device", "--set", "--map", "--out", "--html")
                ),
                *(("--md", ""), ("--junit", " "), ("--mode", ","), ("--profile", ""), ("--jobs", "")),
            )
        ),
        (("certify", ""), ("TARGET='', but should not be empty",)),
        (("rules", " "), ("RULE=' ', but should not be empty",)),
        (("replay", ""), ("TOKEN='', but should not be empty",)),
        (("scaffold", ADAMW_NAME, "--out", ""), ("--out='', but should not be empty",)),
        (("guard", "record", ""), ("BASELINE='', but should not be empty",)),
        (("guard", "check", "here", "--only", ""), ("--only='', but should not be empty",)),
        (("guard", "check", "here", "--reason", "so be it"), ("reason='so be it', but without --accept",)),
        (("guard", "matrix", "--torch", ""), ("--torch='', but should not be empty",)),
        (("certify", "a\nb\x1b[31m"), ("a\\nb\\x1b[31m",)),
    ],
)
def test_a_wrong_request_is_refused_before_torch_is_started(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    code, error = run_command(capsys, *arguments)
    assert code == 2
    for words in phrases:
        assert words in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        (("torch.optim.Adma",), ("torch.optim.Adma", "did you mean", "Adam")),
        ((ADAMW_NAME, "--as", "adamww"), ("adamww", "adam", "did you mean adamw?")),
        ((ADAMW_NAME, "--set", "lrr=1"), ("set=lrr", "weight_decay", "did you mean lr?")),
        ((ADAMW_NAME, "--set", "beta1=1"), ("beta1=1.0, but", "0 <= beta1 < 1")),
        ((ADAMW_NAME, "--device", "cuba"), ("device=cuba", "cpu")),
        (
            (f"{UNDECLARED}:ByNorm",),
            ("name the rule that it implements with --as", "it takes the steps of no rule here"),
        ),
        (("tests/planted/nothing.py:Adam", "--as", "adam"), ("tests/planted/nothing.py", "no such file")),
    ],
)
@pytest.mark.usefixtures("shared_fork_server")
def test_a_request_that_the_target_cannot_meet_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    code, error = run_command(capsys, "certify", *arguments)
    assert code == 2
    for words in phrases:
        assert words in error
    assert "Traceback" not in error


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, error = run_command(capsys, "certify", ADAMW_NAME, "--out", str(tmp_path / "file" / "below"))
    assert code == 2
    assert "directory that can be written to" in error


def test_settings_are_exact_numbers_by_name() -> None:
    assert settings(["lr=1e-3", "beta1=0"]) == {"lr": 1e-3, "beta1": 0.0}


def test_a_request_takes_a_string_for_one_entry_only_in_a_list() -> None:
    import stepcheck

    with pytest.raises(WrongRequest, match="list of strings"):
        stepcheck.certify(ADAMW_NAME, modes="single")
    with pytest.raises(WrongRequest, match="seed"):
        Request(target=ADAMW_NAME, seed=2**63)


def test_without_a_rule_a_configuration_follows_the_rule_that_its_adapter_declares() -> None:
    assert claimed_rule(ADAMW, ADAMW.configuration("amsgrad,maximize"), None)[0] == "amsgrad+decoupled_decay+maximize"


def test_a_rule_that_a_configuration_declares_is_claimed_of_that_one_alone() -> None:
    claimed = {entry.name: claimed_rule(SGD, entry, "nesterov")[0] for entry in SGD.configurations}
    assert {name for name, rule in claimed.items() if rule} == {"nesterov", "nesterov,maximize"}
    assert claimed["nesterov,maximize"] == "nesterov+coupled_decay+maximize"


def test_a_rule_that_no_configuration_declares_is_claimed_of_those_that_follow_the_main_one() -> None:
    claimed = {entry.name: claimed_rule(ADAM, entry, "adam_eps_hat") for entry in ADAM.configurations}
    assert claimed["maximize"][0] == "adam_eps_hat+coupled_decay+maximize"
    assert claimed["amsgrad"][0] is None
    assert "amsgrad" in claimed["amsgrad"][1]
