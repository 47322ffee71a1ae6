"""Classes that take gradients as an argument are driven, whatever they are given and whatever comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, PROBE_THETA
from stepcheck_implementations.matching.driving.driven import Driven, driven
from stepcheck_implementations.matching.driving.method import method_of
from stepcheck_implementations.matching.signature import signature_of
from stepcheck_implementations.matching.trial import run_trial

SUBJECTS = Path(__file__).parents[1] / "subjects" / "arrays.py"

TEXT = '''\
class Updating:
    """Heavy as an object with step() over a tensor."""

    def __init__(self, p, **arguments):
        self.params = [p]
        self.inner = Heavy(**arguments)

    @torch.no_grad()
    def step(self):
        if all(p.grad is None for p in self.params):
            return
        params = {f'p{i}': p.detach().numpy() for i, p in enumerate(self.params)}
        grads = {f'p{i}': p.grad.detach().numpy() for i, p in enumerate(self.params)}
        self.inner.update(params, grads)
        for i, p in enumerate(self.params):
            put(p, params[f'p{i}'])


def put(p, new):  # a wrong shape is kept, and reported as such
    array = p.detach().numpy()
    if new.shape == array.shape:
        array[...] = new
    else:
        p.data = torch.as_tensor(new)
'''


def found(name: str, **arguments: Any) -> Driven:
    result = driven(load(f"{SUBJECTS}:{name}"), f"{SUBJECTS}:{name}", lambda: arguments)
    assert result is not None
    return result


def test_the_text_reads_as_written_by_hand() -> None:
    assert found("Heavy").text == TEXT


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("Descent", "tensor"),
        ("GivenAtConstruction", "tensor"),
        ("ReturnsChanges", "tensor"),
        ("GradientsFirst", "tensor"),
    ],
)
def test_each_form_descends(name: str, takes: str) -> None:
    rate = {"rate" if name == "GradientsFirst" else "lr": 0.5}
    how = found(name, **rate)
    trial = run_trial(how.build, how.takes, rate, steps=1)
    expected = [x - 0.5 * g for x, g in zip(PROBE_THETA[:3], PROBE_GRADIENTS[0][:3], strict=True)]
    assert (how.takes, trial.theta) == (takes, [expected])


def test_what_parameters_share_is_driven_with_all_of_them() -> None:
    how = found("MomentsCountTensors")
    assert how.takes == "list"
    one, other = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    one.grad = torch.ones(2)
    optimizer = how.build([one, other])
    with pytest.raises(ValueError, match="each needs a gradient"):
        optimizer.step()


def test_a_class_that_changes_nothing_is_refused_in_words() -> None:
    with pytest.raises(TargetError, match=r"its update\(params, grads\) was given torch tensors and NumPy arrays"):
        found("DoesNothing")


def test_what_has_a_step_is_left_as_it_is() -> None:
    assert method_of(torch.optim.SGD) is None
    assert method_of(load(f"{SUBJECTS}:adam_by_config")) is None
    assert signature_of(load(f"{SUBJECTS}:Moments"), "Moments").names == ("lr", "beta1", "beta2", "eps")
