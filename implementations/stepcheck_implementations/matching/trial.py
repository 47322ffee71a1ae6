"""Trials: a way to build a subject, run over a few steps whose gradients are known, and all that it then holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from stepcheck_implementations.driver import state_access
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.driver.state_access import TensorLocation
from stepcheck_implementations.driver.state_path import TOKENS
from stepcheck_implementations.matching.claim import GRADIENTS, SHAPES, THETA, Rows
from stepcheck_implementations.matching.generic import StateLeaf, near

TAKES = ("groups", "list", "tensor")
"""What a subject is built from; see ``Adapter``."""


@dataclass(slots=True)
class Trial:
    """What came of one way to build a subject.

    ``things`` holds what was built, ``wheres`` the tensors it was built from; ``theta`` has a row a step, ``held``
    what was there after every step. ``reason`` says why steps are missing, "" where none are, and ``error``
    is what was raised.
    """

    takes: str
    things: list[Any] = field(default_factory=list)
    wheres: list[TensorLocation] = field(default_factory=list)
    theta: list[list[float]] = field(default_factory=list)
    held: dict[str, StateLeaf] = field(default_factory=dict)
    reason: str = ""
    error: BaseException | None = None

    @property
    def moved(self) -> bool:
        """Whether any parameter is elsewhere than it started."""
        return bool(self.theta) and any(one != other for one, other in zip(self.theta[-1], THETA, strict=False))

    def agrees(self, theta: Rows) -> bool:
        """Whether the parameters went where the rule takes them, as far as that is known."""
        return bool(self.theta) and near(theta[: len(self.theta)], self.theta)


def tried(
    build: Callable[..., Any],
    takes: str,
    arguments: Mapping[str, Any],
    steps: int = len(GRADIENTS),
    *,
    needs_objective: bool = False,
) -> Trial:
    """Return what ``build`` does over ``steps`` steps, given tensors as ``takes`` says and ``arguments`` by name.

    What ``needs_objective`` for its gradients gets them from a closure, the same wherever its parameters stand.
    """
    trial = Trial(takes)
    start = 0
    for place, (size,) in enumerate(SHAPES[:1] if takes == "tensor" else SHAPES):
        values = torch.tensor(THETA[start : start + size], dtype=torch.float64)
        trial.wheres.append(TensorLocation(torch.nn.Parameter(values), place))
        start += size
    parameters = [where.parameter for where in trial.wheres]
    given: dict[str, Any] = {
        "tensor": parameters[0],
        "list": list(parameters),
        "groups": [{"params": list(parameters)}],
    }
    seen: list[dict[str, StateLeaf]] = []
    try:
        thing = build(given[takes], **arguments)
        trial.things.append(thing)
        if not callable(getattr(thing, "step", None)):
            trial.reason = f"it made a {type(thing).__name__}, which has no step()"
        elif takes == "groups" and not state_access.is_optimizer(thing):
            trial.reason = f"it made a {type(thing).__name__}, which has no param_groups"
        else:
            for row in GRADIENTS[:steps]:
                give = partial(_give, parameters, row)
                if needs_objective:
                    thing.step(give)
                else:
                    give()
                    thing.step()
                trial.theta.append([float(value) for p in parameters for value in p.detach().reshape(-1).tolist()])
                seen.append(_seen(thing, trial.wheres))
    except (Exception, SystemExit) as error:
        trial.reason, trial.error = one_line(error), error
    for path in seen[0] if seen else ():
        rows = [leaves[path] for leaves in seen if path in leaves]
        if len(rows) == len(seen):
            own = takes == "tensor" or any(f"[{token}]" in path for token in TOKENS) or _of_state(path, trial.things[0])
            trial.held[path] = StateLeaf([leaf.rows[0] for leaf in rows], all(leaf.scalar for leaf in rows), own)
    return trial


def _of_state(path: str, thing: Any) -> bool:
    """Whether ``path`` starts in the table that ``thing`` has for each tensor."""
    return state_access.is_optimizer(thing) and not path.startswith((".", "group."))


def _give(parameters: Sequence[torch.Tensor], row: Sequence[float]) -> torch.Tensor:
    """Set every gradient, and return a loss."""
    start = 0
    for parameter in parameters:
        parameter.grad = torch.tensor(row[start : start + parameter.numel()], dtype=parameter.dtype)
        start += parameter.numel()
    return torch.zeros(())


def _seen(thing: Any, wheres: Sequence[TensorLocation]) -> dict[str, StateLeaf]:
    found = {}
    for path, values in state_access.everything(thing, wheres).items():
        numbers: list[float] = []
        scalar = True
        try:
            for value, where in zip(values, wheres, strict=True):
                size = where.parameter.numel()
                entries = value.detach().reshape(-1).tolist() if isinstance(value, torch.Tensor) else [value]
                scalar = scalar and len(entries) == 1
                numbers += [float(entry) for entry in entries] * (size if len(entries) == 1 else 1)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # complex, quantized, too large
            continue
        found[path] = StateLeaf([numbers], scalar)
    return found
