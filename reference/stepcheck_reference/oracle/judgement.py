"""Judgements: the oracle's results for one trajectory, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

INPUT = "input not finite"
RANGE = "an intermediate leaves the dtype's range"
DIVISOR = "a divisor may be zero"
UNKNOWN = "state unknown after an element could not be compared"
MISSING = "state not held by the subject"

Real = tuple[str, int, int]
"""One of a run's real numbers: an output, a tensor and a flat index."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One real number's distance from its envelope.

    ``ratio`` is |observed - expected| / radius, inf where the radius is 0 or ``observed`` is not finite;
    ``step`` counts from 1 (0: the initial state), ``index`` is flat; ``inputs`` are the old theta and
    states, g, t and the hyper-parameters, by alphabet name.
    """

    output: str
    tensor: int
    step: int
    index: int
    observed: float
    expected: float
    radius: float
    ratio: float
    inputs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Hazard:
    """Reals of one output that are not finite where the exact rule is, as the envelope admits: ``reals`` of them.

    A root's argument is then so near 0 that rounding may make it negative. ``first`` is the one at the earliest step.
    """

    reals: int
    first: Deviation

    def joined(self, other: Hazard | None) -> Hazard:
        """Return both hazards as one."""
        if other is None:
            return self
        first = min(self.first, other.first, key=lambda deviation: deviation.step)
        return Hazard(self.reals + other.reals, first)


@dataclass(frozen=True, slots=True)
class CountBreak:
    """A step counter that is not the number of gradients its parameter has had."""

    tensor: int
    step: int
    observed: float
    expected: int


@dataclass(slots=True)
class Field:
    """One output of one tensor at every step: ``ratio`` and ``radius``, each of shape (steps, reals).

    A ratio of -1 means that the real was not compared. A state that is one number a tensor has one real.
    """

    ratio: NDArray[np.float64]
    radius: NDArray[np.float64]

    @classmethod
    def blank(cls, steps: int, size: int) -> Field:
        """Return a field in which nothing has been compared."""
        return cls(np.full((steps, size), -1.0), np.full((steps, size), np.nan))


@dataclass(slots=True)
class Judgement:
    """The oracle's results for one trajectory.

    ``compared`` and ``not_compared`` count element-steps (a complex element once); ``worst`` maps each
    output to its largest ratio; ``broken`` counts the reals beyond 1; ``nonfinite`` counts admissible
    non-finite results, which ``hazards`` has by output. ``ratios`` counts each output's reals by ratio, in the bins of
    ``histogram``;
    ``watched`` are the traces of the reals to watch, a ratio of -1 where one was not compared. ``fields`` has
    every real of every output, where requested.
    """

    observability: str
    compared: int = 0
    not_compared: dict[str, int] = field(default_factory=dict)
    worst: dict[str, Deviation] = field(default_factory=dict)
    worst_from_zero: Deviation | None = None
    broken: dict[str, int] = field(default_factory=dict)
    nonfinite: int = 0
    hazards: dict[str, Hazard] = field(default_factory=dict)
    counts: tuple[CountBreak, ...] = ()
    initials: tuple[Deviation, ...] = ()
    ratios: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    watched: list[Deviation] = field(default_factory=list)
    fields: dict[tuple[str, int], Field] = field(default_factory=dict)

    @property
    def breaks(self) -> tuple[Deviation, ...]:
        """The worst deviation of each output that is beyond its radius."""
        return tuple(deviation for deviation in self.worst.values() if deviation.ratio > 1.0)

    @property
    def conforms(self) -> bool:
        """Whether nothing deviates."""
        return not (self.breaks or self.counts or self.initials)

    def count(self, output: str, counts: NDArray[np.int64]) -> None:
        """Add ``counts``, shape (BINS,), to the ratios of ``output``."""
        before = self.ratios.get(output)
        self.ratios[output] = counts if before is None else before + counts

    def add(self, reason: str, count: int) -> None:
        """Count ``count`` element-steps as not compared for ``reason``."""
        if count:
            self.not_compared[reason] = self.not_compared.get(reason, 0) + count
