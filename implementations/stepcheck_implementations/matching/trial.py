"""Trials: a subject built in one way and run over the probe, and every number that it holds after each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.driver.error_text import SubjectRaised, call_subject
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.observing.state_access import TensorLocation
from stepcheck_implementations.driver.observing.state_path import TOKENS
from stepcheck_implementations.driver.subject import trained
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, PROBE_SHAPES, PROBE_THETA, REFUSALS, Rows
from stepcheck_implementations.matching.state_matching import StateLeaf, same_rows

TAKES = ("groups", "list", "tensor")
"""What a subject is built from; see ``Adapter``."""


@dataclass(slots=True)
class Trial:
    """The result of building a subject in one way and stepping it.

    ``subject`` is what was built, None where that failed, and ``locations`` the tensors it was built from. ``theta``
    has a row a step; ``leaves`` are the numbers and tensors that it held after every step, by path. ``reason`` says why
    steps are missing, "" where none are, and ``error`` is what was raised.
    """

    takes: str
    subject: Any = None
    locations: list[TensorLocation] = field(default_factory=list)
    theta: list[list[float]] = field(default_factory=list)
    leaves: dict[str, StateLeaf] = field(default_factory=dict)
    reason: str = ""
    error: BaseException | None = None

    @property
    def refused(self) -> str:
        """What was raised where the subject refused its arguments, "" where it did not."""
        return self.reason if isinstance(self.error, REFUSALS) and not self.theta else ""

    @property
    def updates(self) -> bool:
        """Whether any parameter has changed."""
        return bool(self.theta) and any(one != other for one, other in zip(self.theta[-1], PROBE_THETA, strict=False))

    def agrees(self, theta: Rows) -> bool:
        """Whether the parameters are the rule's after every step; ``theta`` is empty where the rule's are unknown."""
        return bool(self.theta) and same_rows(theta[: len(self.theta)], self.theta)


def run_trial(
    build: Callable[..., Any],
    takes: str,
    arguments: Mapping[str, Any],
    steps: int = len(PROBE_GRADIENTS),
    *,
    needs_objective: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Trial:
    """Return the trial of ``build`` over ``steps`` steps, given tensors as ``takes`` says and ``arguments`` by name.

    With no steps nothing is built. A subject that ``needs_objective`` gets its gradients from a closure, the same
    whatever its parameters are.
    """
    trial = Trial(takes)
    if not steps:
        return trial
    start = 0
    for index, (size,) in enumerate(PROBE_SHAPES[:1] if takes == "tensor" else PROBE_SHAPES):
        values = torch.tensor(PROBE_THETA[start : start + size], dtype=dtype)
        trial.locations.append(TensorLocation(torch.nn.Parameter(values), index))
        start += size
    parameters = [location.parameter for location in trial.locations]
    inputs: dict[str, Any] = {
        "tensor": parameters[0],
        "list": list(parameters),
        "groups": [{"params": list(parameters)}],
    }
    history: list[dict[str, StateLeaf]] = []
    own: dict[str, bool] = {}

    def steps_taken() -> None:
        optimizer = trained(build(inputs[takes], **arguments))
        trial.subject = optimizer
        if not callable(getattr(optimizer, "step", None)):
            trial.reason = f"it made a {type(optimizer).__name__}, which has no step()"
        elif takes == "groups" and not state_access.is_optimizer(optimizer):
            trial.reason = f"it made a {type(optimizer).__name__}, which has no param_groups"
        else:
            for row in PROBE_GRADIENTS[:steps]:
                set_gradients = partial(_set_gradients, parameters, row)
                if needs_objective:
                    optimizer.step(set_gradients)
                else:
                    set_gradients()
                    optimizer.step()
                trial.theta.append([float(value) for p in parameters for value in p.detach().reshape(-1).tolist()])
                history.append(_leaves(optimizer, trial.locations))
                for path in history[0] if len(history) == 1 else ():
                    each = takes == "tensor" or any(f"[{token}]" in path for token in TOKENS)
                    own[path] = each or _is_per_parameter(path, optimizer)

    try:
        call_subject(steps_taken)
    except SubjectRaised as error:
        trial.reason, trial.error = error.message, error.__cause__
    for path in own:
        rows = [leaves[path] for leaves in history if path in leaves]
        if len(rows) == len(history):
            scalar = all(leaf.scalar for leaf in rows)
            trial.leaves[path] = StateLeaf([leaf.rows[0] for leaf in rows], scalar, own[path])
    return trial


def _is_per_parameter(path: str, optimizer: Any) -> bool:
    """Whether ``path`` starts in the table that ``optimizer`` has for each tensor."""
    return state_access.is_optimizer(optimizer) and not path.startswith((".", "group."))


def _set_gradients(parameters: Sequence[torch.Tensor], row: Sequence[float]) -> torch.Tensor:
    """Set every gradient, and return a loss."""
    start = 0
    for parameter in parameters:
        parameter.grad = torch.tensor(row[start : start + parameter.numel()], dtype=parameter.dtype)
        start += parameter.numel()
    return torch.zeros(())


def _leaves(optimizer: Any, locations: Sequence[TensorLocation]) -> dict[str, StateLeaf]:
    leaves = {}
    for path, values in state_access.all_leaves(optimizer, locations).items():
        numbers: list[float] = []
        scalar = True
        try:
            for value, location in zip(values, locations, strict=True):
                size = location.parameter.numel()
                entries = _elements(value)
                scalar = scalar and len(entries) == 1
                numbers += [float(entry) for entry in entries] * (size if len(entries) == 1 else 1)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # complex, quantized, too large
            continue
        leaves[path] = StateLeaf([numbers], scalar)
    return leaves


def _elements(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return list(value.detach().reshape(-1).tolist())
    return list(value.reshape(-1).tolist()) if isinstance(value, np.ndarray) else [value]
