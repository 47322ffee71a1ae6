"""The gradients of a script, as a subject gets them: placed in memory, computed by an objective, or by a closure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from stepcheck_implementations.driver.inputs import layout
from stepcheck_implementations.driver.inputs.tensor_cache import script_tensors
from stepcheck_reference.scripts.script import LOSS, SPOILED, Script, Step

Row = list[torch.Tensor | None]
"""A gradient for each tensor, None where it has none."""


@dataclass(slots=True)
class ClosureLog:
    """What happened to the closure in each step: how often it was called, what ``step`` returned, its last loss."""

    calls: list[int] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


class Gradients:
    """The gradients of ``script`` on ``device``, one step after another."""

    def __init__(self, script: Script, device: str) -> None:
        self.script, self.device = script, device
        self.log = ClosureLog()
        self.layouts = [layout.gradient_layout(tensor) for tensor in script.tensors]
        shared = "reused_gradient" in script.invocation or script.objective is not None
        self.guarded = not shared and bool({"sliced", "flat"} & set(self.layouts))
        """Whether there is memory around the elements of a gradient that must stay as it is."""
        self._rows = [iter(rows) for rows in script_tensors(script).gradients]
        self._reused: dict[int, torch.Tensor] = {}
        objective = script.objective
        self.by_closure = (objective is not None and objective.by_closure) or "closure" in script.invocation
        """Whether every ``step`` is called with a closure that sets the gradients."""

    def take(self, step: Step, parameters: Sequence[torch.Tensor]) -> tuple[Row, Row]:
        """Return the gradients of ``step``, which is the next one: on the CPU to compare with, and as they are passed.

        Of an objective these are its minimiser; unless it is evaluated by a closure, its gradient at ``parameters``.
        """
        copies: Row = [
            None if data is None else next(rows) for data, rows in zip(step.gradients, self._rows, strict=True)
        ]
        passed: Row = layout.place_all(copies, self.layouts, self.device)
        if "reused_gradient" in self.script.invocation:
            passed = [None if row is None else self._in_one_buffer(index, row) for index, row in enumerate(passed)]
        objective = self.script.objective
        if objective is not None and not objective.by_closure:
            passed = [
                None if minimiser is None else (parameter - minimiser) * objective.curvature
                for parameter, minimiser in zip(parameters, passed, strict=True)
            ]
            copies = [None if row is None else row.cpu().clone() for row in passed]
        return copies, passed

    def _in_one_buffer(self, index: int, row: torch.Tensor) -> torch.Tensor:
        """Return the one buffer of tensor ``index``, filled with ``row``."""
        return self._reused.setdefault(index, torch.empty_like(row)).copy_(row)

    def no_closure(self) -> None:
        """Note that a step was called without a closure, in a script that has some."""
        if self.by_closure or self.script.has_closures:
            self.log.calls.append(0)
            self.log.losses.append(math.nan)
            self.log.returned.append(math.nan)

    def closure(self, passed: Row, number: int, parameters: Sequence[torch.nn.Parameter]) -> Callable[[], torch.Tensor]:
        """Return a closure for step ``number`` that sets every gradient and returns a loss.

        The gradients are ``passed``; with an objective, whose minimiser that is, its gradient at ``parameters``.
        """
        log, objective = self.log, self.script.objective
        log.calls.append(0)
        log.losses.append(math.nan)
        log.returned.append(math.nan)

        def closure() -> torch.Tensor:
            log.calls[-1] += 1
            if self.script.has_closures and not torch.is_grad_enabled():
                raise RuntimeError("the closure was called with gradients disabled, so that it cannot call backward()")
            loss = torch.zeros(())
            if objective is None:
                for parameter, row in zip(parameters, passed, strict=True):
                    parameter.grad = row
                log.losses[-1] = LOSS * number
                return loss + LOSS * number
            with torch.no_grad():
                for parameter, minimiser in zip(parameters, passed, strict=True):
                    if minimiser is None:
                        parameter.grad = None
                        continue
                    distance = parameter - minimiser
                    parameter.grad = distance * objective.curvature
                    loss += 0.5 * objective.curvature * distance.abs().square().sum().cpu().float()
            log.losses[-1] = float(loss)
            return loss

        return closure

    def surroundings(self, passed: Row) -> list[layout.Surroundings | None]:
        """Return the memory around the elements of each gradient, which a step must leave as it is."""
        return layout.all_surroundings(passed, self.layouts) if self.guarded else []

    def spoil(self, passed: Row) -> None:
        """Overwrite the gradients after a step, where the script says so: an optimizer must not have kept them."""
        if "spoiled_gradient" in self.script.invocation:
            with torch.no_grad():
                for row in passed:
                    if row is not None:
                        row.fill_(SPOILED)
