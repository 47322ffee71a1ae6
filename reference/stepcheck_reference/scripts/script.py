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

LAYOUTS = ("contiguous", "transposed", "sliced", "channels_last", "flat")
"""Memory layouts a tensor can have; the values and their order of elements do not depend on it. The flat tensors of one
dtype are views of one buffer in which they lie one after another, as the parameters of FSDP do."""

GRADIENT_LAYOUTS = ("", *LAYOUTS, "expanded", "overlapping")
"""Memory layouts a gradient can have: "" is as autograd accumulates it; flat ones of a step lie in one buffer, as DDP's
do; an expanded one has stride 0 along every dimension in which its values are equal. Where gradients are sparse, the
entries of an overlapping one add up in every column, and those of any other are nonzero in different columns."""

RELOADS = ("", "loaded", "saved", "copied", "pickled", "loaded_twice", "loaded_aside", "copied_aside", "pickled_aside")
"""How a run may be interrupted before a step: not at all; by a state dict that stays in memory, or goes through
``torch.save``, and is loaded into a new optimizer; by a deep copy, or a pickle, of parameters with their optimizer; by
a state dict that is loaded into two new optimizers, of which the second goes on. After those that end in "aside" it is
the original that goes on, once the other one has taken a step of its own, on copies of the parameters."""

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
    "parameter_list",
    "parameter_tuple",
    "parameter_generator",
    "named_parameters",
    "two_optimizers",
    "other_thread",
    "fresh_process",
)
"""Variants of how a script is carried out, none of which may change what a step does. The gradient is set by a closure
that ``step`` is called with; lr is a float64 tensor, 0-d, of one element, or a 0-d view of a longer one; torch's
default dtype is float64; every gradient of a tensor is written into the same buffer; a gradient's memory is overwritten
once its step is over; lr is set by a scheduler; gradients are sparse; the constructor gets the parameters, or its
groups, as a list, a tuple, a generator, or with their names; another optimizer of the class, with the hyper-parameters
of the next group each, takes two steps first and then one before every step; every second step is called in a thread of
its own; no other script has run in the process, unless its library is trusted to leave nothing behind."""

STATE_DICT_RELOADS = ("loaded", "saved", "loaded_twice")
"""The interruptions after which a run goes on with a new optimizer that has loaded a state dict; only after such a one
may it continue in another mode."""

ASIDE = ("loaded_aside", "copied_aside", "pickled_aside")
"""The interruptions after which the original goes on."""

COPIES = ("copied", "pickled")
"""The interruptions after which a run goes on with copies of its parameters."""

ZERO_GRADS = ("", "plain", "none", "zeros")
"""How gradients may be reset before a step's are set: not by ``zero_grad``, or by ``zero_grad()`` without an argument,
with ``set_to_none=True`` or with ``set_to_none=False``."""

LOSS = 0.625
"""The loss that the closure of step t returns, divided by t."""

SPOILED = 1e4
"""The value that a gradient's memory is overwritten with; finite, because nan would hide a mere comparison."""

MOST_THREADS = 64
"""The number of intra-op threads that a script may use at most."""

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
    """One parameter: its shape, dtype, memory layout and initial values, and the memory layout of its gradients.

    A ``frozen`` one has ``requires_grad=False``.
    """

    shape: tuple[int, ...]
    dtype: str
    initial: Data
    layout: str = "contiguous"
    gradient_layout: str = ""
    frozen: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype={self.dtype!r}, but should be one of {', '.join(FORMATS)}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout={self.layout!r}, but should be one of {', '.join(LAYOUTS)}")
        if self.gradient_layout not in GRADIENT_LAYOUTS:
            allowed = ", ".join(map(repr, GRADIENT_LAYOUTS))
            raise ValueError(f"gradient_layout={self.gradient_layout!r}, but should be one of {allowed}")

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

    ``reload`` interrupts the run (see ``RELOADS``; True means "loaded"); ``adds_groups`` are groups that
    ``add_param_group`` adds, which until then are no part of the optimizer; ``hyper`` sets (group, alphabet name,
    value), as a scheduler would; ``overwrite`` writes new values into (tensor, data); ``zero_grad`` resets gradients
    (see ``ZERO_GRADS``); then every tensor gets its gradient, or none where the entry is ``None``. With
    ``grad_scale``, gradients are handled as ``torch.amp.GradScaler`` with this scale does, without overflow: an
    optimizer that removes the scale by itself is called with scaled ones, any other with gradients as they are. With
    ``closure``, ``step`` is called with a closure that sets the gradients. ``default_dtype`` is torch's while ``step``
    is called ("": as ever). With ``skip``, the step is handled as ``torch.amp.GradScaler`` handles overflowed
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
    adds_groups: tuple[int, ...] = ()
    zero_grad: str = ""
    grad_scale: float = 0.0
    closure: bool = False
    default_dtype: str = ""

    def __post_init__(self) -> None:
        if self.zero_grad not in ZERO_GRADS:
            raise ValueError(f"zero_grad={self.zero_grad!r}, but should be one of {', '.join(map(repr, ZERO_GRADS))}")
        if self.default_dtype not in ("", "float32", "float64"):
            raise ValueError(f"default_dtype={self.default_dtype!r}, but should be '', 'float32' or 'float64'")
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
    ``threads`` is the number of intra-op threads that torch has in a step.
    """

    tensors: tuple[Tensor, ...]
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    objective: Quadratic | None = None
    invocation: tuple[str, ...] = ()
    box: tuple[float, float] | None = None
    threads: int = 1
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        placed = sorted(index for group in self.groups for index in group.tensors)
        if placed != list(range(len(self.tensors))):
            raise ValueError(f"groups hold tensors {placed}, but should hold each of {len(self.tensors)} once")
        for variant in self.invocation:
            if variant not in INVOCATIONS:
                raise ValueError(f"invocation={variant!r}, but should be one of {', '.join(INVOCATIONS)}")
        if self.box is not None and not self.box[0] < self.box[1]:
            raise ValueError(f"box={self.box!r}, but should be two numbers, the lower first")
        if not 1 <= self.threads <= MOST_THREADS:
            raise ValueError(f"threads={self.threads!r}, but should be between 1 and {MOST_THREADS}")
        since = self.since
        late = [
            (index, since[number])
            for number, group in enumerate(self.groups)
            if since[number]
            for index in group.tensors
        ]
        for number, step in enumerate(self.steps, 1):
            if len(step.gradients) != len(self.tensors):
                raise ValueError(
                    f"step {number} has {len(step.gradients)} gradients, but should have {len(self.tensors)}"
                )
            for index, added in late:
                if number < added and step.gradients[index] is not None:
                    raise ValueError(
                        f"tensor {index} has a gradient at step {number}, but is added before step {added}"
                    )

    @property
    def since(self) -> tuple[int, ...]:
        """The step just before which each group is added; 0 for those that the optimizer is constructed with.

        Groups are added in their order, and the first one is never added: a group is there before any later one is.
        """
        if not any(step.adds_groups for step in self.steps):
            return (0,) * len(self.groups)
        added: dict[int, int] = {}
        for number, step in enumerate(self.steps, 1):
            for group in step.adds_groups:
                added.setdefault(group, number)
        since = [added.get(group, 0) for group in range(len(self.groups))]
        return tuple(min(since[group:]) if group else 0 for group in range(len(since)))

    @property
    def has_closures(self) -> bool:
        """Whether a step is called with a closure that sets the gradients which the script gives."""
        return "closure" in self.invocation or any(step.closure for step in self.steps)

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
