"""Scripts: everything done to an optimizer, as plain data.

A script replays in any torch version and without Hypothesis. Element data is either written out
(``Literal``) or named by a seed and expanded deterministically (``Drawn``; see ``expansion``). A complex tensor of n
elements holds 2n reals, real and imaginary parts alternating; "values" below are those reals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import FORMATS, is_complex

LAYOUTS = ("contiguous", "transposed", "sliced", "channels_last")
"""Memory layouts a tensor can have; the values and their order of elements do not depend on it."""

RELOADS = ("", "loaded", "saved", "copied", "pickled")
"""How a run may be interrupted before a step: not at all; by a state dict that stays in memory, or goes through
``torch.save``, and is loaded into a new optimizer; by a deep copy, or a pickle, of parameters with their optimizer."""

INVOCATIONS = (
    "closure",
    "tensor_lr",
    "one_element_lr",
    "viewed_lr",
    "float64_default",
    "reused_gradient",
    "spoiled_gradient",
    "scheduler",
    "sparse",
)
"""Variants of how a script is carried out, none of which may change what a step does. The gradient is set by a closure
that ``step`` is called with; lr is a float64 tensor, 0-d, of one element, or a 0-d view of a longer one; torch's
default dtype is float64; every gradient of a tensor is written into the same buffer; a gradient's memory is overwritten
once its step is over; lr is set by a scheduler; gradients are sparse."""

STATE_DICT_RELOADS = ("loaded", "saved")
"""The interruptions after which a run may continue in another mode."""

LOSS = 0.625
"""The loss that the closure of step t returns, divided by t."""

SPOILED = 1e4
"""The value that a gradient's memory is overwritten with; finite, because nan would hide a mere comparison."""

REGIMES = ("normal", "uniform", "wide", "tiny", "huge", "sparse", "signs", "constant")
"""How the values of a ``Drawn`` are spread; see ``expand``."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Values in C order; a single value is repeated for all elements."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Values expanded from a seed: a regime times ``scale``, with ``specials`` (index, value) put in."""

    regime: str
    seed: int
    scale: float = 1.0
    specials: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.regime not in REGIMES:
            raise ValueError(f"regime={self.regime!r}, but should be one of {', '.join(REGIMES)}")


Data = Literal | Drawn


@dataclass(frozen=True, slots=True)
class Tensor:
    """One parameter: its shape, dtype, memory layout and initial values."""

    shape: tuple[int, ...]
    dtype: str
    initial: Data
    layout: str = "contiguous"

    def __post_init__(self) -> None:
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype={self.dtype!r}, but should be one of {', '.join(FORMATS)}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout={self.layout!r}, but should be one of {', '.join(LAYOUTS)}")

    @property
    def size(self) -> int:
        """The number of reals: elements, doubled if complex."""
        return math.prod(self.shape) * (2 if is_complex(self.dtype) else 1)


@dataclass(frozen=True, slots=True)
class Group:
    """A parameter group: indices of its tensors, and hyper-parameters by alphabet name (exact binary64)."""

    tensors: tuple[int, ...]
    hyper: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of ``step()`` and the actions just before it, in this order.

    ``reload`` interrupts the run (see ``RELOADS``; True means "loaded"); ``hyper`` sets (group, alphabet name, value),
    as a scheduler would; ``overwrite`` writes new values into (tensor, data); then every tensor gets its gradient, or
    none where the entry is ``None``. With ``skip``, the step is handled as ``torch.amp.GradScaler`` handles overflowed
    gradients: an optimizer that supports ``found_inf`` is called with it, any other is not called. Only a reload
    through a state dict may continue ``into`` another mode: the new optimizer is built in that mode, and the modes in
    the state dict are changed to it.
    """

    gradients: tuple[Data | None, ...]
    hyper: tuple[tuple[int, str, float], ...] = ()
    overwrite: tuple[tuple[int, Data], ...] = ()
    reload: str | bool = ""
    skip: bool = False
    into: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.reload, bool):
            object.__setattr__(self, "reload", "loaded" if self.reload else "")
        if self.reload not in RELOADS:
            raise ValueError(f"reload={self.reload!r}, but should be one of {', '.join(map(repr, RELOADS))}")
        if self.reload not in STATE_DICT_RELOADS:
            object.__setattr__(self, "into", "")

    @property
    def applied(self) -> tuple[Data | None, ...]:
        """The gradients that the step applies: none where it is skipped."""
        return (None,) * len(self.gradients) if self.skip else self.gradients


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The objective L(x) = curvature/2 * sum((x - low)**2), low being a step's data for a tensor.

    With ``by_closure`` the subject requests gradients through a closure; otherwise each step receives the gradient at
    the current parameter.
    """

    curvature: float
    by_closure: bool = True

    def gradients_at(self, at: NDArray[np.float64], low: NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
        """Return the gradients at points of ``dtype``, each of the two operations rounded to it."""
        form = FORMATS[dtype]
        return form.round(form.round(at - low) * self.curvature)


@dataclass(frozen=True, slots=True)
class Script:
    """Everything done to an optimizer, from construction to the last step.

    With an ``objective`` the subject is called as ``step(closure)`` and requests gradients at points of its choice,
    unless the objective says otherwise; a step's data for a tensor is then not its gradient but where the objective is
    lowest. ``invocation`` lists variants of how steps are called (see ``INVOCATIONS``). With a ``box`` every real of
    every parameter is clamped to it after each step, once it has been observed: the next step starts inside.
    """

    tensors: tuple[Tensor, ...]
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    objective: Quadratic | None = None
    invocation: tuple[str, ...] = ()
    box: tuple[float, float] | None = None
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        placed = sorted(index for group in self.groups for index in group.tensors)
        if placed != list(range(len(self.tensors))):
            raise ValueError(f"groups hold tensors {placed}, but should hold each of {len(self.tensors)} once")
        for variant in self.invocation:
            if variant not in INVOCATIONS:
                raise ValueError(f"manner={variant!r}, but should be one of {', '.join(INVOCATIONS)}")
        if self.box is not None and not self.box[0] < self.box[1]:
            raise ValueError(f"box={self.box!r}, but should be two numbers, the lower first")
        for number, step in enumerate(self.steps, 1):
            if len(step.gradients) != len(self.tensors):
                raise ValueError(
                    f"step {number} has {len(step.gradients)} gradients, but should have {len(self.tensors)}"
                )

    @property
    def element_steps(self) -> int:
        """How many elements get a gradient, counted over all steps (a complex element once)."""
        sizes = [math.prod(tensor.shape) for tensor in self.tensors]
        return sum(
            size
            for step in self.steps
            for size, gradient in zip(sizes, step.applied, strict=True)
            if gradient is not None
        )

    def hyper_at(self, step: int) -> tuple[dict[str, float], ...]:
        """Return each group's hyper-parameters in force at ``step`` (counted from 1)."""
        current = [dict(group.hyper) for group in self.groups]
        for earlier in self.steps[:step]:
            for group, name, value in earlier.hyper:
                current[group][name] = value
        return tuple(current)

    def until(self, step: int) -> Script:
        """Return the script cut off after ``step`` steps."""
        return replace(self, steps=self.steps[:step])
