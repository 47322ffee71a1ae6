"""The API of an optimizer: recorded the same in every run, and differently exactly where something changed."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from house.sources import PACKAGES, ROOT
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching import inspection
from stepcheck_implementations.recorder.api import api_of, library_api, target_api
from stepcheck_implementations.recorder.captured_warnings import captured_warnings

NAMES = tuple(f"torch.optim.{name}" for name in inspection.optimizers("torch.optim"))


@cache
def recorded_api(target: str) -> dict[str, Any]:
    return target_api(target)


def lines(value: Any) -> Iterator[str]:
    """Yield every text in ``value``, keys too."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield from lines(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from lines(entry)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("target", NAMES)
def test_the_api_of_every_class_of_torch_is_recorded_the_same_twice(target: str) -> None:
    api = recorded_api(target)
    assert api["way"] is not None
    assert api == target_api(target)
    json.dumps(api, allow_nan=False)


@pytest.mark.parametrize("target", NAMES)
def test_an_api_holds_nothing_that_differs_between_machines(target: str) -> None:
    for line in lines(recorded_api(target)):
        assert "\n" not in line
        assert not re.search(r"0x[0-9a-f]+|site-packages|\.(py|cpp)\b|Triggered internally", line), line


def test_another_process_records_the_same() -> None:
    program = (
        "import json; from stepcheck_implementations.recorder.api import *; "
        "print(json.dumps([target_api('torch.optim.Adagrad'), library_api('torch.optim')]))"
    )
    roots = os.pathsep.join(str(ROOT / root) for root in PACKAGES.values())
    environment = {**os.environ, "PYTHONPATH": roots, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [recorded_api("torch.optim.Adagrad"), library_api("torch.optim")]


def test_adamw_is_recorded_as_an_adam_with_its_own_default() -> None:
    api = recorded_api("torch.optim.AdamW")
    assert api["bases"][0] == "torch.optim.adam.Adam"
    assert {"name": "weight_decay", "kind": "positional_or_keyword", "default": 0.01} in api["signature"]
    assert api["defaults"]["betas"] == {"type": "tuple", "value": [0.9, 0.999]}
    assert api["groups"]["params"] == {"type": "list", "value": 2}
    assert api["state_dict"]["before"]["state"] == "empty dict"
    assert api["state_dict"]["after"]["state[1].exp_avg"] == "Tensor float32 [3] cpu"
    assert api["state_with"]["amsgrad=True"]["[0].max_exp_avg_sq"] == "Tensor float32 [2, 3] cpu"
    assert api["state_with"]["bfloat16"]["[0].exp_avg"] == "Tensor bfloat16 [2, 3] cpu"


@pytest.mark.parametrize(
    ("target", "case", "what"),
    [
        ("AdamW", "lr=-1.0", "at construction: ValueError: Invalid learning rate: -1.0"),
        ("AdamW", "betas=(1.0, 0.999)", "at construction: ValueError: Invalid beta parameter at index 0: 1.0"),
        ("AdamW", "betas=(0.9,)", "at construction: IndexError"),
        ("AdamW", "foreach=True, fused=True", "at construction: RuntimeError"),
        ("AdamW", "capturable=True", "at the step: AssertionError"),
        ("AdamW", "lr a 2-element tensor", "at construction: ValueError: Tensor lr must be 1-element"),
        ("SGD", "nesterov=True", "at construction: ValueError: Nesterov momentum requires a momentum"),
        ("SGD", "nesterov=True, momentum=0.5", "accepted"),
        ("SGD", "nesterov=True, momentum=0.5, dampening=0.25", "at construction: ValueError"),
        ("SGD", "no parameters", "at construction: ValueError: optimizer got an empty parameter list"),
        ("SGD", "numbers for parameters", "at construction: TypeError"),
        ("SGD", "a parameter twice in one group", "accepted; warns UserWarning: optimizer contains a parameter group"),
        ("SGD", "a parameter in two groups", "at construction: ValueError: some parameters appear in more than one"),
        ("SGD", "a tensor that is no leaf", "at construction: ValueError: can't optimize a non-leaf Tensor"),
        ("SGD", "a load of two groups into one", "at the load: ValueError: loaded state dict has a different number"),
        ("SGD", "a load of another number of parameters", "at the load: ValueError"),
        ("LBFGS", "a step without a closure", "at the step: TypeError"),
        ("LBFGS", "two groups", "at construction: ValueError: LBFGS doesn't support per-parameter options"),
        ("Rprop", "etas=(1.5, 1.2)", "at construction: ValueError: Invalid eta values: 1.5, 1.2"),
    ],
)
def test_a_bad_argument_is_recorded_with_its_stage_and_message(target: str, case: str, what: str) -> None:
    assert recorded_api(f"torch.optim.{target}")["errors"][case].startswith(what)


def test_a_class_that_takes_matrices_or_sparse_gradients_alone_says_so() -> None:
    assert recorded_api("torch.optim.Muon")["way"]["shapes"] == [[2, 3], [3, 2]]
    assert recorded_api("torch.optim.SparseAdam")["way"]["gradients"] == "sparse"
    assert recorded_api("torch.optim.LBFGS")["way"]["closure"]


class Renamed(torch.optim.SGD):
    """SGD whose state has another name, and which warns."""

    def step(self, closure: Any = None) -> Any:
        warnings.warn("a step is taken", FutureWarning, stacklevel=2)
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["velocity"] = torch.zeros((), dtype=torch.float64)
        return super().step(closure)


def test_a_state_of_another_name_and_a_warning_are_recorded() -> None:
    api, plain = api_of(Renamed, "mine:Renamed"), recorded_api("torch.optim.SGD")
    assert api["bases"][0] == "torch.optim.sgd.SGD"
    assert api["members"] == {"step": "function(self, closure=None)"}
    assert api["signature"] == plain["signature"]
    added = api["state_dict"]["after"].items() - plain["state_dict"]["after"].items()
    assert ("state[0].velocity", "Tensor float64 [] cpu") in added
    assert api["warnings"]["step"] == {"FutureWarning: a step is taken": 1}
    assert plain["warnings"] == {"construction": {}, "step": {}}


class ByIdentity(torch.optim.SGD):
    """SGD with a state by the ids of parameters, which differ from run to run."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[id(parameter)] = {"seen": 1, "keys": {object(): 1.0}}  # type: ignore[index]
        return super().step(closure)


class OverOneTensor:
    """A step over one tensor, in no list."""

    def __init__(self, theta: Any, rate: float = 0.5) -> None:
        self.theta, self.rate = theta, rate

    @torch.no_grad()
    def step(self) -> None:
        self.theta -= self.rate * self.theta.grad


def test_a_state_by_ids_and_a_class_over_one_tensor_are_recorded_the_same_twice() -> None:
    api = api_of(ByIdentity, "mine:ByIdentity")
    assert api == api_of(ByIdentity, "mine:ByIdentity")
    assert api["state_dict"]["after"]["state[id 0].keys[object 0]"] == "float"
    assert api_of(OverOneTensor, "mine:OverOneTensor")["way"]["one"]
    assert api_of(OverOneTensor, "mine:OverOneTensor")["errors"]["rate=-1.0"] == "accepted"


def test_no_optimizer_is_refused_and_a_class_that_cannot_be_built_has_no_minimal_run() -> None:
    class Demanding(torch.optim.SGD):
        def __init__(self, params: Any) -> None:
            raise RuntimeError("not today")

    assert api_of(Demanding, "mine:Demanding")["way"] is None
    with pytest.raises(TargetError, match="did you mean"):
        target_api("torch.optim.Adan")
    with pytest.raises(TargetError, match="nothing_like_this"):
        library_api("nothing_like_this")


def test_a_library_tells_the_public_names_of_its_modules() -> None:
    modules = library_api("torch.optim")["modules"]
    assert modules["torch.optim"]["AdamW"] == "optimizer"
    assert modules["torch.optim"]["lr_scheduler"] == "module"
    assert modules["torch.optim.lr_scheduler"]["StepLR"] == "scheduler"
    assert modules["torch.optim.swa_utils"]["update_bn"] == "function"
    assert modules["torch.optim.swa_utils"]["AveragedModel"] == "class"
    assert not any(name.startswith("_") for names in modules.values() for name in names)


def test_the_process_is_left_as_it_was() -> None:
    def state() -> tuple[Any, ...]:
        drawn = np.random.get_state(legacy=True)
        return (
            random.getstate(),
            tuple(np.asarray(part).tobytes() if i == 1 else part for i, part in enumerate(drawn)),
            torch.random.get_rng_state().numpy().tobytes(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.is_warn_always_enabled(),
            list(warnings.filters),
        )

    before = state()
    target_api("torch.optim.Adam")
    with captured_warnings() as captured, torch.no_grad():
        torch.set_default_dtype(torch.float64)
        torch.rand(3), random.random(), np.random.random()
        warnings.warn("heard at 0x7f3a", stacklevel=1)
    assert captured == ["UserWarning: heard at 0x…"]
    assert state() == before
