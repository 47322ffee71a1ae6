"""Law: one true sentence about optimizers, when it applies, and how a run is checked against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepcheck_reference.judgement import Deviation, Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.script import Script
from stepcheck_reference.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a subject in one cell: its rule, the states it shows, whether it shows a step counter."""

    rule: Rule
    observed: frozenset[str]
    counted: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run of a subject and what the oracle found in it."""

    rule: Rule
    script: Script
    trajectory: Trajectory
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Breach:
    """One way in which a run breaks a law.

    ``output`` names what is wrong: "theta", a state, "count", or the kind of a fault; with the law's code
    it says which failures are the same. ``tensor`` counts from 0, ``step`` from 1 (0: before the first).
    ``ratio`` is the error over its radius, inf where the law is exact. ``message`` says observed and
    expected in one line.
    """

    output: str
    tensor: int
    step: int
    ratio: float
    message: str
    deviation: Deviation | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check: how much was compared, in the law's own unit, and every breach."""

    compared: int
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """A property that every subject it applies to has.

    ``code`` is stable and never reused. ``sentence`` is true of every conforming subject;
    ``condition`` says in words what ``applies`` decides from facts. ``mathematics``, ``remedy`` (what to do
    when it is broken) and ``example`` (code that breaks it) are for people. ``unit`` names what
    ``check`` counts. ``since`` is stepcheck's version that brought it.
    """

    code: str
    title: str
    sentence: str
    source: str
    since: str
    applies: Callable[[Facts], bool]
    check: Callable[[Evidence], Checked]
    condition: str
    unit: str
    mathematics: str
    remedy: str
    example: str
