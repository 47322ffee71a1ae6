"""A worker describes a target: its adapter, or one matched to a claim, and which cells it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from implementations.short_scripts import MISBEHAVING, cell, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers() as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import sys\nsys.exit(3)",
            "importing it raised SystemExit: 3; code that should not run on import",
        ),
        ("import os\nos._exit(3)", "importing it: the process exited with status 3"),
        ("1 / 0", "importing it raised ZeroDivisionError: division by zero"),
        ("def (", "importing it raised SyntaxError"),
        ("while True: pass", "no answer within 1 s; code that should not run on import"),
    ],
)
def test_a_file_that_does_more_than_define_things_is_refused_with_advice(
    tmp_path: Path, fork_server: str, text: str, message: str
) -> None:
    (tmp_path / "loud.py").write_text(text)
    with Workers(address=fork_server, deadline=1.0) as own, pytest.raises(TargetError) as error:
        own.signature(f"{tmp_path / 'loud.py'}:Adam")
    assert message in str(error.value)


def test_a_target_that_only_crashes_when_it_is_tried_is_matched_by_its_names(workers: Workers) -> None:
    description = workers.describe(f"{MISBEHAVING}:CrashesAtOnce", Claim("sgd", {"lr": 0.1}))
    assert description["adapter"]["hyper"] == {"lr": "lr"}
    assert "status 5" in description["reads"]


def test_a_target_that_does_not_exist_names_the_nearest(workers: Workers) -> None:
    with pytest.raises(TargetError, match=r"^torch\.optim\.Adma: no such name; did you mean Adam, Adamax"):
        workers.describe("torch.optim.Adma")
    with pytest.raises(TargetError, match=r"no module named torch\.optin; did you mean optim"):
        workers.describe("torch.optin.Adam")
    with pytest.raises(TargetError, match=r"misbehavin\.py: no such file; did you mean misbehaving\.py"):
        workers.describe(f"{MISBEHAVING.with_name('misbehavin.py')}:Floods")
    with pytest.raises(TargetError, match=r"os\.path: is a module, but should be an optimizer class"):
        workers.describe("os.path")
    with pytest.raises(TargetError, match=r"has no step\(\)"):
        workers.describe("torch.nn.Linear")
    with pytest.raises(TargetError, match=r"name the rule that it follows"):
        workers.describe(f"{MISBEHAVING}:Floods")


def test_torch_optim_is_described_with_what_it_refuses_and_why(workers: Workers) -> None:
    description = workers.describe("torch.optim.AdamW")
    assert dataclass_codec.decode(Adapter, description["adapter"]) == torch_optim.ADAMW
    assert description["defaults"] == {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}
    assert description["devices"][0] == "cpu"
    reasons = {
        (row["mode"], row["dtype"]): row["reason"] for row in description["availability"] if row["device"] == "cpu"
    }
    assert {reasons[mode, dtype] for mode in ("single", "foreach", "differentiable") for dtype in FORMATS} == {""}
    assert "supported devices" in reasons["capturable", "float32"]
    assert reasons["fused", "bfloat16"] == ""
    assert "floating point Tensors" in reasons["fused", "complex64"]


def test_an_undeclared_class_is_matched_by_its_names(workers: Workers) -> None:
    claim = Claim("momentum", {"lr": 0.1, "momentum": 0.5, "dampening": 0.3}, {"b": 0.0})
    description = workers.describe(f"{MISBEHAVING}:OverOneTensor", claim)
    adapter = dataclass_codec.decode(Adapter, description["adapter"])
    assert adapter.takes == "tensor"
    assert dict(adapter.hyper) == {"lr": "learning_rate", "momentum": "momentum"}
    assert dict(adapter.configurations[0].fixed_hyper) == {"dampening": 0.0}
    assert dict(adapter.states) == {"b": "b"}
    assert description["defaults"] == {"lr": 0.1, "momentum": 0.9}
    script = script_of({"lr": 0.1, "momentum": 0.5, "dampening": 0.0})
    assert workers.run(adapter, cell(adapter), script).fault is None


def test_an_undeclared_class_that_lacks_hyper_parameters_is_refused_with_both_lists(workers: Workers) -> None:
    claim = Claim("adam", {"lr": 0.1, "beta1": 0.6}, {"m": 0.0})
    with pytest.raises(NoMatch, match=r"takes \(params, lr=0\.1\), but adam needs beta1, often called betas\[0\]"):
        workers.describe(f"{MISBEHAVING}:Floods", claim)
    description = workers.describe(f"{MISBEHAVING}:Floods", replace(claim, fixed={"beta1": 0.5}))
    assert description["adapter"]["configurations"][0]["holds"] == {"beta1": 0.5}


def test_a_crash_while_trying_a_target_leaves_its_state_unseen(workers: Workers) -> None:
    description = workers.describe(f"{MISBEHAVING}:CannotBeBuilt", Claim("sgd", {"lr": 0.1}))
    assert "not today" in description["reads"]
