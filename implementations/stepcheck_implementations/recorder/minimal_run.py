"""Minimal runs: the simplest way to build an optimizer and take a step, with which its API is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from stepcheck_implementations.matching.claim import PROBE_HYPER
from stepcheck_implementations.matching.signature import Signature
from stepcheck_implementations.recorder.captured_warnings import captured_warnings

_MIXED, _MATRICES = ((2, 3), (3,)), ((2, 3), (3, 2))


@dataclass(frozen=True, slots=True)
class MinimalRun:
    """How a class is built and stepped.

    ``shapes`` are those of its parameters, ``required`` values of its arguments without a default. ``sparse`` says that
    gradients are sparse, ``needs_objective`` that ``step`` gets a closure, ``one`` that the first argument is one
    tensor.
    """

    shapes: tuple[tuple[int, ...], ...] = _MIXED
    sparse: bool = False
    needs_objective: bool = False
    one: bool = False
    required: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON values."""
        return {
            "shapes": [list(shape) for shape in self.shapes],
            "gradients": "sparse" if self.sparse else "dense",
            "closure": self.needs_objective,
            "one": self.one,
            "given": dict(self.required),
        }

    def parameters(self, dtype: torch.dtype = torch.float32) -> list[torch.nn.Parameter]:
        """Return new parameters of ``dtype``, on the CPU; all elements differ."""
        return [torch.nn.Parameter(_distinct_values(shape, 0.125, 1).to(dtype)) for shape in self.shapes]

    def build(self, kind: Callable[..., Any], parameters: Any, **arguments: Any) -> Any:
        """Return what ``kind`` builds from ``parameters``, a list of parameters or of groups."""
        return kind(parameters[0] if self.one else parameters, **{**self.required, **arguments})

    def step(self, optimizer: Any, parameters: Sequence[torch.Tensor]) -> None:
        """Take one step of ``optimizer``; each parameter has a gradient whose elements all differ."""
        set_gradients = partial(_set_gradients, parameters, self.sparse)
        if self.needs_objective:
            optimizer.step(set_gradients)
        else:
            set_gradients()
            optimizer.step()


def _distinct_values(shape: tuple[int, ...], unit: float, first: int) -> torch.Tensor:
    numbers = torch.arange(first, first + torch.Size(shape).numel(), dtype=torch.float64)
    return (numbers * unit).reshape(shape)


def _set_gradients(parameters: Sequence[torch.Tensor], sparse: bool) -> torch.Tensor:
    """Set every gradient, and return a loss."""
    for parameter in parameters:
        gradient = _distinct_values(tuple(parameter.shape), 0.25, -2).to(parameter.dtype)
        parameter.grad = gradient.to_sparse(1) if sparse else gradient
    return torch.zeros(())


def find_minimal_run(kind: Callable[..., Any], signature: Signature) -> MinimalRun | None:
    """Return the first run with which ``kind`` can be built and stepped, None where none works."""
    plain = MinimalRun(
        one=signature.one,
        required={name: PROBE_HYPER.get(name, 0.5) for name in signature.required if name not in signature.positional},
    )
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"needs_objective": True},
        {"shapes": _MATRICES},
        {"sparse": True},
        {"one": True},
    )
    runs = (replace(plain, **change) for change in changes)
    return next((run for run in runs if _works(run, kind)), None)


def _works(run: MinimalRun, kind: Callable[..., Any]) -> bool:
    parameters = run.parameters()
    with captured_warnings():
        try:
            run.step(run.build(kind, list(parameters)), parameters)
        except (Exception, SystemExit):
            return False
    return True
