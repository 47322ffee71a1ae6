"""Scripts: everything done to an optimizer, as plain data that needs only numpy and json.

A script replays in any torch version and without Hypothesis. Element data is either written out
(``Literal``) or named by a seed and expanded deterministically (``Drawn``). A complex tensor of n
elements holds 2n reals, real and imaginary parts alternating; "values" below are those reals.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import FORMATS, Format, is_complex
from stepcheck_reference.identity_cache import IdentityCache

LAYOUTS = ("contiguous", "transposed", "sliced", "channels_last")
"""Memory layouts a tensor can have; the values and their order of elements do not depend on it."""

MOST_KEPT = 16384
"""Values up to which an expansion is kept for when it is asked for again, as by the next mode of a subject."""

RELOADS = ("", "loaded", "saved", "copied", "pickled")
"""How a run may be interrupted before a step: not at all; by a state dict that is kept in memory, or goes through
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
"""Other ways to do what a script says, none of which may change what a step does. The gradient is set by a closure that
``step`` is given; lr is a float64 tensor, 0-d, of one element, or a 0-d view of a longer one; torch's default dtype is
float64; every gradient of a tensor is written into the same buffer; a gradient's memory is overwritten once its step is
over; lr is set by a scheduler; gradients are sparse."""

STATE_DICT_RELOADS = ("loaded", "saved")
"""The interruptions that may lead a run into another mode."""

LOSS = 0.625
"""What a closure of step t returns is t times this."""

SPOILED = 1e4
"""What a gradient's memory is overwritten with; finite, because nan hides what is merely compared."""

REGIMES = ("normal", "uniform", "wide", "tiny", "huge", "sparse", "signs", "constant")
"""How the values of a ``Drawn`` are spread; see ``expand``."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Values written out in C order; one value stands for all of them."""

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
    """One call of ``step()`` and what comes just before it, in this order.

    ``reload`` interrupts the run (see ``RELOADS``; True means "loaded"); ``hyper`` sets (group, alphabet name, value),
    as a scheduler would; ``overwrite`` writes new values into (tensor, data); then every tensor gets its gradient, or
    none where the entry is ``None``. A step that is to ``skip`` is taken as ``torch.amp.GradScaler`` takes one whose
    gradients overflowed: the optimizer is told so if it wants to be, and not called otherwise. A reload through a state
    dict may lead ``into`` another mode: the new optimizer is built in it, and what the state dict says of modes is
    changed to it; no other interruption does.
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
        """The gradients that the step is taken with: none where it is skipped."""
        return (None,) * len(self.gradients) if self.skip else self.gradients


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The objective L(x) = curvature/2 * sum((x - low)**2), low being what a step gives for a tensor.

    With ``by_closure`` the subject requests gradients through a closure; otherwise each step receives the gradient at
    the current parameter.
    """

    curvature: float
    by_closure: bool = True

    def slopes(self, at: NDArray[np.float64], low: NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
        """Return the gradients at points of ``dtype``, each of the two operations rounded to it."""
        form = FORMATS[dtype]
        return form.round(form.round(at - low) * self.curvature)


@dataclass(frozen=True, slots=True)
class Script:
    """Everything done to an optimizer, from construction to the last step.

    With an ``objective`` the subject is called as ``step(closure)`` and asks for gradients where it likes, unless that
    says otherwise; what a step then gives for a tensor is not its gradient but where the objective is lowest.
    ``invocation`` are other ways to do the same (see ``INVOCATIONS``). With a ``box`` every real of every parameter is
    clamped to it after each step, once it has been observed: the next step starts inside.
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


def expand(data: Data, size: int, dtype: str) -> NDArray[np.float64]:
    """Return the ``size`` values of ``data``, each exactly representable in ``dtype``."""
    return np.asarray(expand_all((data,), size, dtype)[0])


def expand_all(data: Sequence[Data], size: int, dtype: str) -> NDArray[np.float64]:
    """Return one row of ``size`` values for each of ``data``; shape (len(data), size). Not to be written to.

    Raises ValueError for a literal of another length.
    """
    if len(data) * size <= MOST_KEPT and all(_is_plain(item) for item in data):
        return _kept(tuple(data), size, dtype)
    return _expanded(data, size, dtype)


def _is_plain(item: Data) -> bool:
    """Whether equal items mean equal values; literals and scales may differ in the sign of a zero alone."""
    return isinstance(item, Drawn) and not item.specials and item.scale > 0


@lru_cache(maxsize=128)
def _kept(data: tuple[Data, ...], size: int, dtype: str) -> NDArray[np.float64]:
    return _expanded(data, size, dtype)


def _expanded(data: Sequence[Data], size: int, dtype: str) -> NDArray[np.float64]:
    form = FORMATS[dtype]
    values = np.empty((len(data), size))
    drawn: dict[str, list[int]] = {}
    for row, item in enumerate(data):
        if isinstance(item, Drawn):
            drawn.setdefault(item.regime, []).append(row)
        elif len(item.values) not in (1, size):
            raise ValueError(f"{len(item.values)} literal values, but should be 1 or {size}")
        else:
            values[row] = form.round(np.asarray(item.values))
    for regime, rows in drawn.items():
        items = [item for row in rows if isinstance(item := data[row], Drawn)]
        words = _words([item.seed for item in items], 2 * size).reshape(len(items), 2, size)
        with np.errstate(all="ignore"):
            spread = _regime(regime, words, form) * np.array([[item.scale] for item in items])
        values[rows] = form.round(spread)
        for row, item in zip(rows, items, strict=True):
            for index, special in item.specials:
                if size:
                    values[row, index % size] = form.round(np.asarray(special))
    return values


def _regime(regime: str, words: NDArray[np.uint64], form: Format) -> NDArray[np.float64]:
    """Return values spread as ``regime`` says; words (rows, 2, size) to values (rows, size).

    Only operations that IEEE 754 rounds correctly are used, so that a seed means the same bits with every numpy.
    """
    top = float(form.max_exponent)
    first = (words[:, 0] >> np.uint64(11)).astype(np.float64) * 2.0**-53
    if regime == "uniform":
        return 2.0 * first - 1.0
    if regime == "constant":
        return np.ones_like(first)
    if regime == "normal":
        # The sum of four uniform numbers (Irwin and Hall 1927), with mean 0 and variance 1.
        low = np.uint64(0xFFFFFFFF)
        summed = (words >> np.uint64(32)).sum(axis=1) + (words & low).sum(axis=1)
        return np.asarray((summed.astype(np.float64) * 2.0**-32 - 2.0) * math.sqrt(3.0))
    sign = np.where(words[:, 1] & np.uint64(1), -1.0, 1.0)
    if regime == "wide":
        return sign * _power((first - 0.5) * top)
    if regime == "tiny":
        return sign * _power(-top - form.precision * first) * 4.0
    if regime == "huge":
        return sign * _power(top * (0.35 + 0.15 * first))
    if regime == "sparse":
        second = (words[:, 1] >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.where(second < 0.7, 0.0 * sign, sign * first)
    return sign


def _power(exponent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 to whole exponents, and straight lines between."""
    whole = np.floor(exponent)
    return np.asarray(np.ldexp(1.0 + (exponent - whole), whole.astype(np.int64)))


def _words(seeds: Sequence[int], count: int) -> NDArray[np.uint64]:
    """Return ``count`` 64-bit words for each seed, by SplitMix64 (Steele, Lea and Flood 2014, figure 15).

    Integer arithmetic alone, so a seed means the same words in every version and on every machine; all
    seeds at once, because a generator object for each would cost more than its words.
    """
    started = _mixed(np.array(seeds, dtype=np.uint64)[:, None])
    return _mixed(started + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def to_json(script: Script) -> str:
    """Return ``script`` as one line of JSON; non-finite numbers are the strings "nan", "inf", "-inf"."""
    return _written(script)


def _write(script: Script) -> str:
    return json.dumps(_plain(script), separators=(",", ":"), allow_nan=False)


_written: IdentityCache[Script, str] = IdentityCache(_write, most=64)
"""A script is written several times, by who tells runs apart and by who sends them."""


def from_json(text: str) -> Script:
    """Return the script that ``to_json`` wrote; raises ValueError where the text is not one."""
    try:
        raw = json.loads(text)
        return Script(
            tensors=tuple(
                Tensor(tuple(t["shape"]), t["dtype"], _data(t["initial"]), t["layout"]) for t in raw["tensors"]
            ),
            groups=tuple(
                Group(tuple(g["tensors"]), {name: float(value) for name, value in g["hyper"].items()})
                for g in raw["groups"]
            ),
            steps=tuple(
                Step(
                    gradients=tuple(None if d is None else _data(d) for d in s["gradients"]),
                    hyper=tuple((int(g), str(name), float(value)) for g, name, value in s.get("hyper", ())),
                    overwrite=tuple((int(i), _data(d)) for i, d in s.get("overwrite", ())),
                    reload=s.get("reload", ""),
                    skip=bool(s.get("skip", False)),
                    into=str(s.get("into", "")),
                )
                for s in raw["steps"]
            ),
            objective=Quadratic(float(raw["curvature"]), bool(raw.get("asked", True))) if "curvature" in raw else None,
            invocation=tuple(map(str, raw.get("manners", ()))),
            box=(float(raw["box"][0]), float(raw["box"][1])) if "box" in raw else None,
            label=raw.get("label", ""),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a script: {error!r}") from error


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else repr(float(value))


def _plain(script: Script) -> dict[str, Any]:
    def data(item: Data) -> Any:
        if isinstance(item, Literal):
            return [_number(value) for value in item.values]
        return {
            "regime": item.regime,
            "seed": item.seed,
            "scale": item.scale,
            "specials": [[index, _number(value)] for index, value in item.specials],
        }

    def step(item: Step) -> dict[str, Any]:
        plain: dict[str, Any] = {"gradients": [None if d is None else data(d) for d in item.gradients]}
        if item.hyper:
            plain["hyper"] = [list(entry) for entry in item.hyper]
        if item.overwrite:
            plain["overwrite"] = [[index, data(d)] for index, d in item.overwrite]
        if item.reload:
            plain["reload"] = True if item.reload == "loaded" else item.reload
        if item.skip:
            plain["skip"] = True
        if item.into:
            plain["into"] = item.into
        return plain

    objective: dict[str, Any] = {}
    if script.objective is not None:
        objective["curvature"] = _number(script.objective.curvature)
        objective |= {} if script.objective.by_closure else {"asked": False}
    return {
        "label": script.label,
        **objective,
        **({"manners": list(script.invocation)} if script.invocation else {}),
        **({} if script.box is None else {"box": [_number(edge) for edge in script.box]}),
        "tensors": [
            {"shape": list(t.shape), "dtype": t.dtype, "initial": data(t.initial), "layout": t.layout}
            for t in script.tensors
        ],
        "groups": [{"tensors": list(g.tensors), "hyper": dict(g.hyper)} for g in script.groups],
        "steps": [step(s) for s in script.steps],
    }


def _data(raw: Any) -> Data:
    if isinstance(raw, list):
        return Literal(tuple(float(value) for value in raw))
    specials = tuple((int(index), float(value)) for index, value in raw["specials"])
    return Drawn(str(raw["regime"]), int(raw["seed"]), float(raw["scale"]), specials)
