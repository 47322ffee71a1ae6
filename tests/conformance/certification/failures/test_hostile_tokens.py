"""Tokens that do not fit: exit code 2 and one sentence, whatever is in them, and what runs is bounded."""

from __future__ import annotations

import base64
import functools
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from conformance.command import ROOT
from stepcheck.certification.failures import replay as replay_module
from stepcheck.certification.failures.replay_token import PREFIX, Replayable, encode
from stepcheck.cli.commands import main
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

RIGHT = "tests/planted/rules/controls.py:HandWrittenAdam"
HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
WHOLE = encode(
    Replayable(
        Cell(RIGHT, "default", "single", "float32", "cpu"),
        "adam",
        Script(
            tensors=(Tensor((1,), "float32", Literal((1.0,))),),
            groups=(Group((0,), HYPER),),
            steps=(Step((Literal((0.5,)),)),) * 2,
        ),
    )
)

Change = Callable[[dict[str, Any]], object]


def packed(text: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")


def content() -> dict[str, Any]:
    text = WHOLE.removeprefix(PREFIX)
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def changed(change: Change) -> str:
    raw = content()
    change(raw)
    return packed(json.dumps(raw).encode())


def refusal(capsys: pytest.CaptureFixture[str], token: str) -> str:
    """Return the one line with which ``token`` is refused."""
    with pytest.raises(SystemExit) as stop:
        main(["replay", token])
    captured = capsys.readouterr()
    assert stop.value.code == 2, captured
    assert captured.out == ""
    assert captured.err.startswith("stepcheck: ")
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 1000
    return captured.err


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (WHOLE[:-9], "not whole"),
        (WHOLE.replace(WHOLE[40], "!"), "not whole"),
        (PREFIX + base64.urlsafe_b64encode(b"nothing packed").decode(), "not whole"),
        (packed(bytes(1 << 25)), "it holds more than 16777216 bytes"),
        (packed(b"{"), "not whole"),
        (packed(b"\xff\xfe"), "not whole"),
        (packed(b"[1]"), "it holds a list"),
        (packed(b"[" * 100_000), "nested too deeply"),
        (packed(json.dumps(content()).encode())[:-4] + "AAAA", "not whole"),
    ],
)
def test_a_token_that_is_not_whole_is_refused(capsys: pytest.CaptureFixture[str], token: str, words: str) -> None:
    assert words in refusal(capsys, token)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(more=1), "'more', which this release of stepcheck does not know"),
        (lambda raw: raw.update(target=3), "its target should be text"),
        (lambda raw: raw.pop("rule"), "it lacks 'rule'"),
        (lambda raw: raw.update(cell=["default"]), "should have 4 entries"),
        (lambda raw: raw.update(fixed=[["lr", "a"]]), "lr in it has a value that should be bool, int, float"),
        (lambda raw: raw.update(fixed=[["lr", float("nan")]]), "NaN is no number of JSON"),
        (lambda raw: raw.update(arithmetic="exact"), "arithmetic=exact, but should be one of"),
        (lambda raw: raw["script"].update(more=1), "script.more=1, which this release of stepcheck does not know"),
        (lambda raw: raw["script"]["steps"][0].update(more={}), "script.steps[0].more={}"),
        (lambda raw: raw["script"].update(groups=[]), "groups hold tensors [], but should hold each of 1 once"),
        (lambda raw: raw["script"].update(steps=3), "its script is not one"),
        (lambda raw: raw["script"].update(steps=raw["script"]["steps"] * 10_000), "has 20000 steps"),
        (lambda raw: raw["script"]["tensors"][0].update(shape=[1 << 40]), "at most 1048576 elements"),
        (lambda raw: raw["script"]["tensors"][0].update(shape=[1 << 11] * 2), "has 4194304 elements"),
        (lambda raw: raw["script"]["tensors"][0].update(shape=[0] * 99), "at most 1048576 elements"),
        (lambda raw: raw["script"]["tensors"][0].update(shape=[-1]), "sizes should not be negative"),
        (lambda raw: raw["script"]["tensors"][0].update(shape=[True]), "should be of type int"),
        (lambda raw: raw["script"]["tensors"][0].update(dtype="int8"), "dtype='int8', but should be one of"),
        (lambda raw: raw["script"]["tensors"][0].update(initial=[1.0] * 3), "3 values for a tensor of 1"),
        (lambda raw: raw["script"]["groups"][0]["hyper"].update(lr="inf"), "lr of group 0=inf, but should be finite"),
        (lambda raw: raw["script"]["steps"][0].update(hyper=[[7, "lr", 1.0]]), "an index 7"),
        (lambda raw: raw["script"]["steps"][0].update(overwrite=[[1, [1.0]]]), "an index 1"),
        (
            lambda raw: raw["script"]["steps"][0].update(
                gradients=[{"regime": "normal", "seed": -1, "scale": 1.0, "specials": []}]
            ),
            "seed=-1, but should be an integer from 0 to 2**64 - 1",
        ),
        (lambda raw: raw["script"].update(curvature="nan"), "curvature=nan, but should be finite"),
    ],
)
def test_a_token_with_what_no_token_has_is_refused(
    capsys: pytest.CaptureFixture[str], change: Change, words: str
) -> None:
    assert words in refusal(capsys, changed(change))


def test_elements_times_steps_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    def lengthen(raw: dict[str, Any]) -> None:
        raw["script"]["tensors"][0].update(shape=[1 << 20])
        raw["script"]["steps"] *= 2

    assert "at most 4194304 elements times steps" in refusal(capsys, changed(lengthen))


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(replay_module, "Workers", functools.partial(Workers, address=fork_server))


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(rule="adma"), "did you mean adam?"),
        (lambda raw: raw.update(target="tests/planted/rules/controls.py:Nothing"), "no such name"),
        (lambda raw: raw.update(target="no.such\nmodule:Adam"), "no module named"),
        (lambda raw: raw["cell"].__setitem__(0, "amsgrad"), "has no such cell any more"),
        (lambda raw: raw["cell"].__setitem__(1, "singel"), "did you mean single?"),
        (lambda raw: raw["cell"].__setitem__(2, "float23"), "did you mean float32?"),
        (lambda raw: raw["cell"].__setitem__(3, "cuda:77"), "device=cuda:77"),
        (lambda raw: raw["script"]["groups"][0]["hyper"].update(momentum=0.9), "a hyper-parameter=momentum"),
        (lambda raw: raw["script"]["groups"][0]["hyper"].pop("eps"), "gives group 0 no eps"),
        (lambda raw: raw["script"].update(curvature=1.0), "adam takes gradients, no objective"),
        (
            lambda raw: raw["script"]["steps"][1].update(reload=True, into="nowhere"),
            "into=nowhere, but should be one of",
        ),
    ],
)
def test_a_token_that_does_not_fit_its_target_is_refused(
    capsys: pytest.CaptureFixture[str], change: Change, words: str
) -> None:
    assert words in refusal(capsys, changed(change))


@pytest.mark.usefixtures("warm")
def test_the_token_that_these_are_made_of_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["replay", WHOLE])
    assert stop.value.code == 0, capsys.readouterr()


@pytest.mark.parametrize("rule", ["adam", "nesterov"])
def test_every_edge_case_is_within_the_limits_of_a_token(rule: str) -> None:
    from stepcheck_properties.profile import THOROUGH
    from stepcheck_properties.scripts.edge_cases import edge_cases
    from stepcheck_reference.rules import find
    from stepcheck_reference.scripts.script_json import to_json
    from stepcheck_reference.scripts.script_limits import script_from_outside

    for dtype in ("float32", "bfloat16"):
        for case in edge_cases(rule=find(rule), dtype=dtype, profile=THOROUGH, companions=["float32", "float64"]):
            assert script_from_outside(to_json(case.script)) == case.script
