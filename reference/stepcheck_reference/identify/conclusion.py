"""Conclusion: which rule a reading is, how that is known, and in what it differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepcheck_reference.dataclass_codec import encode

PROVED = "proved"
EQUAL = "equal at 200 bits, not proved"
NONE = "none"
UNDECIDED = "undecided"
"""Equal in all runs; but no proof was found, and a branch was never taken in them."""
UNREAD = "not read"
OBSERVED = "by its steps, not read"
"""Of code that cannot be read: it takes the steps of this rule, and of no other, or of none."""
TOO_ALIKE = "too alike"
"""Of code that cannot be read: no experiment was found in which the rules part whose steps it takes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A choice in which the equations differ from those of a rule, in words."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """The rule that is most like equations that are none, and where the two first part."""

    rule: str
    equation: str
    of_rule: str
    of_code: str


@dataclass(frozen=True, slots=True)
class Identification:
    """Which rule a target's equations are.

    ``name`` is None where they are no rule known here or were not read. ``rule`` is what ``--as`` takes, None for a
    variant that no rewrite makes; then ``base`` and ``differences`` say what it is. ``verdict`` says how that is known;
    ``points`` is the number of parameters that were compared: at 200 bits, or, of code that could not be read, with
    what was observed in ``steps`` steps. ``hyper`` maps the rule's hyper-parameters to the target's names, or to a
    number that the code has for it; ``states`` maps the rule's states to what holds them.
    ``also`` are other names of the same function. ``unverified`` says why the reading was not verified, if that was
    tried; where the code does something else than was read of it, it is ``contradicted``, and the name is that of the
    equations and not of the code.
    """

    target: str
    configuration: str
    name: str | None
    rule: str | None
    base: str | None
    verdict: str
    points: int = 0
    differences: tuple[Part, ...] = ()
    remarks: tuple[str, ...] = ()
    hyper: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    nearest: Nearest | None = None
    opaque: tuple[str, ...] = ()
    unverified: str = ""
    contradicted: bool = False
    steps: int = 0

    @property
    def named(self) -> bool:
        """Whether the equations are a rule, or a variant of one."""
        return self.name is not None

    def to_json(self) -> dict[str, object]:
        """Return the answer as JSON values."""
        return encode(self)

    def text(self) -> str:
        """Return the answer in sentences, a line each."""
        head = self.target + (f" ({self.configuration})" if self.configuration else "")
        return "\n".join([f"{head}: {self._verdict()}", *(f"    {line}" for line in self._lines())])

    def _verdict(self) -> str:
        if self.verdict == UNREAD:
            return "its code was not read: " + ", ".join(self.opaque)
        if self.verdict == UNDECIDED:
            return (
                f"takes the steps of {self.base} wherever it was run, but a branch was never taken "
                "and no proof was found; so it has no name"
            )
        if self.verdict == TOO_ALIKE:
            return f"takes the steps of {' and '.join(self.also)}, which {self.steps} steps do not separate"
        if self.verdict == OBSERVED:
            unread = f"not read: {', '.join(self.opaque)}"
            if self.name is None:
                return f"takes the steps of no rule here ({self.steps} steps in float64; {unread})"
            return f"is {self.name} (by {self.steps} steps, {self.points} values compared in float64; {unread})"
        if self.name is None:
            return "no rule here computes this"
        if self.contradicted:
            return f"was read as {self.name}, and its runs do something else; so it has no name"
        how = self.verdict if self.verdict == PROVED else f"equal at 200 bits in {self.points} points, not proved"
        return f"is {self.name} ({how})"

    def _lines(self) -> list[str]:
        lines = []
        if self.unverified:
            lines.append(f"the reading is not verified: {self.unverified}")
        if self.name is not None and self.rule is None:
            lines += [f"differs from {self.base}: {part.sentence}" for part in self.differences]
        lines += self.remarks
        lines += [f"{name} is {value}" for name, value in self.hyper.items()]
        lines += [f"state {name} is {value}" for name, value in self.states.items()]
        if self.verdict == TOO_ALIKE:
            return lines
        lines += [f"the same function as {name}" for name in self.also]
        if self.name is None:
            lines += self.equations
        if self.nearest is not None:
            lines.append(f"nearest is {self.nearest.rule}; they first part in {self.nearest.equation}:")
            lines += [f"    {self.nearest.rule}: {self.nearest.of_rule}", f"    here: {self.nearest.of_code}"]
        return lines
