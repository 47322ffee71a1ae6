"""The subject of a reading: how an optimizer is built, and the parameters and gradients that it takes steps on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from stepcheck_implementations.driver.error_text import call_subject
from stepcheck_implementations.driver.observing.state_access import TensorLocation
from stepcheck_implementations.driver.subject import trained
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, PROBE_THETA
from stepcheck_implementations.reader import held_numbers
from stepcheck_implementations.reader.tensor_entries import TensorEntries

SIZES = (3, 2)
"""The elements of each parameter; a subject that is built from one has the first alone."""
GRADIENTS = (*PROBE_GRADIENTS, (0.4375, -0.21875, 1.125, -0.53125, 0.84375))
"""The gradient of every element at each step: signs that persist and flip."""


@dataclass(frozen=True, slots=True)
class Construction:
    """How a subject is built: ``build`` of what ``takes`` says, with numbers by slot ("betas[0]") and other arguments.

    ``code`` is the class or function whose modules hold its code; ``scale`` multiplies parameters and gradients;
    ``wrapper`` and ``source`` say what ``build`` was made by, as in ``Adapter``. ``held`` are numbers that are not
    read, by slot, and ``fixed`` arguments that are no numbers. Parameters are of ``dtype``.
    """

    build: Callable[..., Any]
    code: Any
    takes: str
    numbers: Mapping[str, float]
    arguments: Callable[[Mapping[str, float]], dict[str, Any]]
    symbols: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0
    wrapper: str = ""
    source: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Initial values of all parameters, and their gradients at each step; parameters have ``sizes`` elements."""

    begin: Sequence[float] = PROBE_THETA
    gradients: Sequence[Sequence[float]] = GRADIENTS
    sizes: tuple[int, ...] = SIZES


class Subject:
    """The optimizer and its parameters."""

    def __init__(
        self,
        construction: Construction,
        numbers: Mapping[str, float],
        known: TensorEntries | None = None,
        inputs: Inputs = Inputs(),
    ) -> None:
        sizes = inputs.sizes[:1] if construction.takes == "tensor" else inputs.sizes
        scale, dtype = construction.scale, getattr(torch, construction.dtype)
        self.rows = [_split(row, sizes, scale, dtype) for row in inputs.gradients]
        values = _split(inputs.begin, sizes, scale, dtype)
        self.parameters = [torch.nn.Parameter(value) for value in values]
        self.locations = [TensorLocation(parameter, index) for index, parameter in enumerate(self.parameters)]
        if known is not None:
            self.name_parameters(known)
        built_from: dict[str, Any] = {
            "tensor": self.parameters[0],
            "list": list(self.parameters),
            "groups": [{"params": list(self.parameters)}],
        }
        arguments = construction.arguments(numbers)
        self.optimizer = call_subject(lambda: trained(construction.build(built_from[construction.takes], **arguments)))
        if not callable(getattr(self.optimizer, "step", None)):
            raise TypeError(f"it made a {type(self.optimizer).__name__}, which has no step()")

    def name_parameters(self, known: TensorEntries) -> None:
        """Let the parameters be theta."""
        for parameter in self.parameters:
            known.put(parameter, known.graph.symbol("theta", "theta"))

    def held(self) -> dict[str, list[Any]]:
        """Return what the optimizer holds for each parameter, by path."""
        return held_numbers.held(self.optimizer, self.locations)

    def set_gradients(self, index: int) -> None:
        """Give every parameter its gradient of step ``index``."""
        for parameter, row in zip(self.parameters, self.rows[index], strict=True):
            parameter.grad = row.clone()

    def step(self, index: int) -> None:
        """Take step ``index``; raises SubjectRaised."""
        self.set_gradients(index)
        call_subject(self.optimizer.step)

    def bits(self) -> dict[str, object]:
        """Return the bits of the parameters and of all that is held, by path."""
        held = {path: list(map(held_numbers.bits, values)) for path, values in self.held().items()}
        return {"theta": list(map(held_numbers.bits, self.parameters)), **held}


def _split(row: Sequence[float], sizes: Sequence[int], scale: float, dtype: torch.dtype) -> list[torch.Tensor]:
    values = torch.tensor([value * scale for value in row[: sum(sizes)]], dtype=dtype)
    return [part.clone() for part in torch.split(values, list(sizes))]
