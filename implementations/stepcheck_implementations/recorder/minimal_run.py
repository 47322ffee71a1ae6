"""The plainest way to build an optimizer and take a step: what its surface is recorded with."""

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
class Way:
    """How a class is built and stepped: what shapes its parameters have, and what it is given beside them.

    ``sparse`` says that gradients are, ``needs_objective`` that ``step`` gets a closure, ``one`` that the first
    argument is one tensor; ``required`` are the arguments without a default.
    """

    shapes: tuple[tuple[int, ...], ...] = _MIXED
    sparse: bool = False
    needs_objective: bool = False
    one: bool = False
    required: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """The way, as JSON values."""
        return {
            "shapes": [list(shape) for shape in self.shapes],
            "gradients": "sparse" if self.sparse else "dense",
            "closure": self.needs_objective,
            "one": self.one,
            "given": dict(self.required),
        }

    def parameters(self, dtype: torch.dtype = torch.float32) -> list[torch.nn.Parameter]:
        """Return new parameters of ``dtype``, on the CPU and all different."""
        return [torch.nn.Parameter(_counting(shape, 0.125, 1).to(dtype)) for shape in self.shapes]

    def build(self, kind: Callable[..., Any], given: Any, **arguments: Any) -> Any:
        """Return what ``kind`` makes of ``given``, a list of parameters or of groups."""
        return kind(given[0] if self.one else given, **{**self.required, **arguments})

    def step(self, thing: Any, parameters: Sequence[torch.Tensor]) -> None:
        """Take one step of ``thing``, each parameter having a gradient whose elements all differ."""
        give = partial(_give, parameters, self.sparse)
        if self.needs_objective:
            thing.step(give)
        else:
            give()
            thing.step()


def _counting(shape: tuple[int, ...], unit: float, first: int) -> torch.Tensor:
    numbers = torch.arange(first, first + torch.Size(shape).numel(), dtype=torch.float64)
    return (numbers * unit).reshape(shape)


def _give(parameters: Sequence[torch.Tensor], sparse: bool) -> torch.Tensor:
    """Set every gradient, and return a loss."""
    for parameter in parameters:
        gradient = _counting(tuple(parameter.shape), 0.25, -2).to(parameter.dtype)
        parameter.grad = gradient.to_sparse(1) if sparse else gradient
    return torch.zeros(())


def way_of(kind: Callable[..., Any], signature: Signature) -> Way | None:
    """Return the first way in which ``kind`` can be built and stepped, None where there is none."""
    plain = Way(
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
    ways = (replace(plain, **change) for change in changes)
    return next((way for way in ways if _works(way, kind)), None)


def _works(way: Way, kind: Callable[..., Any]) -> bool:
    parameters = way.parameters()
    with captured_warnings():
        try:
            way.step(way.build(kind, list(parameters)), parameters)
        except (Exception, SystemExit):
            return False
    return True
