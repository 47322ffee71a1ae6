"""Domains: the values a hyper-parameter may take, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Domain:
    """An interval of real numbers, each end open or closed; an infinite end is always open.

    ``reason`` says why, with ``{name}`` in place of the hyper-parameter's name; the rule that has the domain sets
    ``name``. ``reduces_to`` names the rule at the low end, which is excluded, and ``others_at_zero`` the
    hyper-parameters that are 0 there as well.
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    reason: str = ""
    name: str = "x"
    reduces_to: str = ""
    others_at_zero: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.low == self.high and (self.low_open or self.high_open)):
            raise ValueError(f"domain of {self.name} from {self.low:g} to {self.high:g} is empty")

    def contains(self, value: float) -> bool:
        """Whether ``value`` is a finite number inside."""
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return math.isfinite(value) and above and below

    def of(self, name: str) -> Domain:
        """Return this domain for the hyper-parameter ``name``, its name also in the reason."""
        return replace(self, name=name, reason=self.reason.replace("{name}", name))

    def __str__(self) -> str:
        lower, upper = "<" if self.low_open else "<=", "<" if self.high_open else "<="
        if math.isinf(self.low) and math.isinf(self.high):
            return f"{self.name} is finite"
        if math.isinf(self.high):
            return f"{self.name} {lower.replace('<', '>')} {self.low:g}"
        if math.isinf(self.low):
            return f"{self.name} {upper} {self.high:g}"
        return f"{self.low:g} {lower} {self.name} {upper} {self.high:g}"


NONNEGATIVE = Domain(low=0.0)
POSITIVE = Domain(low=0.0, low_open=True)
AVERAGED = Domain(0.0, 1.0, high_open=True, reason="the average takes 1 - {name} of what is new")
CORRECTED = Domain(0.0, 1.0, high_open=True, reason="bias correction divides by 1 - {name}**t")
FADING = Domain(0.0, 1.0, high_open=True, reason="the buffer keeps {name} of what it was")
DAMPED = Domain(0.0, 1.0, reason="the buffer takes 1 - {name} of a gradient")
MIXED = Domain(0.0, 1.0, reason="the average counts {name}, what is new 1 - {name}")
SHRINKAGE = Domain(0.0, 1.0, low_open=True, high_open=True, reason="a step size shrinks by {name}")
GROWTH = Domain(low=1.0, low_open=True, reason="a step size grows by {name}")


def buffered(reduces_to: str, *others: str) -> Domain:
    """Return the domain of a buffer's weight: at 0, and with ``others`` at 0, the rule is ``reduces_to``."""
    zeros = " = ".join(("{name}", *others, "0"))
    reason = f"at {zeros} there is no buffer and the rule is {reduces_to}"
    return Domain(low=0.0, low_open=True, reason=reason, reduces_to=reduces_to, others_at_zero=others)
