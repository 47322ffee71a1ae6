"""Law: one true sentence about optimizers, when it applies, and how runs are checked against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from stepcheck_properties.profile import Profile
from stepcheck_reference.oracle.judgement import Deviation, Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

THETA, COUNT = "theta", "count"
"""Outputs other than states: the parameters, and the step count."""

PLAIN_MODE = "single"
"""The mode that other modes are compared with: one tensor after the other, no fused or batched kernel."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about a subject in one cell, on which laws' conditions depend.

    ``observed_states`` are the states that it shows and ``shows_step_count`` says whether it shows a step count; both
    are empty until it has run. ``modes`` are the execution paths that it has in this dtype on this device.
    ``accepted_hyper`` are the hyper-parameters that it accepts, by alphabet name, ``fixed_hyper`` those that have one
    value in this cell, ``constant_hyper`` those that cannot be changed after construction, and ``arguments`` the names
    of its constructor's arguments. ``interface`` is "torch" (built from parameter groups, with ``state`` and
    ``state_dict``), "object" (anything else with ``step()``) or "wrapped" (driven through an adapter of another
    framework). ``companions`` are the dtypes of which it accepts tensors in addition to its own.
    ``rejects_negative_lr`` says whether its constructor rejects a learning rate of -1. ``offers`` are the methods and
    attributes of ``trajectory.OFFERS`` that it has; it is empty until it has run.
    """

    rule: Rule
    observed_states: frozenset[str] = frozenset()
    shows_step_count: bool = False
    dtype: str = "float32"
    mode: str = PLAIN_MODE
    device: str = "cpu"
    modes: tuple[str, ...] = (PLAIN_MODE,)
    accepted_hyper: frozenset[str] = frozenset()
    fixed_hyper: Mapping[str, float] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()
    interface: str = "torch"
    constant_hyper: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    rejects_negative_lr: bool = False
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """A second run to compare the first with: its script, if need be in another ``mode`` or ``dtype``.

    ``options`` are constructor arguments that differ; ``rule`` is what the run is judged by if it is another rule.
    """

    script: Script
    mode: str = ""
    dtype: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    rule: Rule | None = None


class RunScript(Protocol):
    """Runs a script on the subject; with ``reference``, in the mode, dtype and options of that."""

    def __call__(self, script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        """Return the subject's trajectory over ``script``."""


def _no_deviations(reals: Set[Real]) -> Sequence[Deviation]:
    return ()


@dataclass(frozen=True)
class Evidence:
    """One run of a subject; ``reference`` is the run that it is compared with, requested as ``reference_run``.

    ``judge`` returns what the oracle says of the run, ``watch`` the deviation of some of its reals after each step.
    """

    rule: Rule
    script: Script
    trajectory: Trajectory
    judge: Callable[[], Judgement]
    reference: Evidence | None = None
    watch: Callable[[Set[Real]], Sequence[Deviation]] = _no_deviations
    reference_run: ReferenceRun | None = None

    @cached_property
    def judgement(self) -> Judgement:
        """What the oracle says of the run; computed when a law first needs it."""
        return self.judge()


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The real of the reference run that, times ``factor``, a real should equal."""

    tensor: int
    step: int
    index: int
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Breach:
    """One way in which a run breaks a law.

    ``output`` names what is wrong: "theta", a state, "count", or the kind of a fault; breaches of one law with one
    output are the same failure. ``tensor`` counts from 0, ``step`` from 1 (0: before the first). ``ratio`` is the error
    in radii, inf where the law is exact. ``message`` has the observed and the expected value in one line.
    ``counterpart`` is the real of the reference run that should be equal, if there is one. What is not a real of a
    tensor is shown by Python expressions over the names of a standalone program (p0, optimizer, calls, returned):
    after ``step``, ``expression`` differs from ``expected_expression``; ``before`` are lines that come before the
    construction, whose names both may use.
    """

    output: str
    tensor: int
    step: int
    ratio: float
    message: str
    deviation: Deviation | None = None
    counterpart: Counterpart | None = None
    expression: str = ""
    expected_expression: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The outcome of a check: how much was compared, in the law's unit, and every breach."""

    compared: int
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """A property that every subject to which it applies has.

    ``code`` is stable and never reused. ``sentence`` is true of every conforming subject; ``condition`` says in words
    what ``applies`` decides from facts. ``mathematics``, ``remedy`` (what to do when the law is broken) and ``example``
    (code that breaks it) are for people. ``unit`` names what ``check`` counts, ``since`` the version of stepcheck that
    brought the law. ``theorem`` names what is proved of rules if the sentence is about rules too.

    A law without ``scripts`` is checked on every script of its cell, one with ``scripts`` on its own, which are made
    for (facts, profile, seed). ``reference`` makes the second run that a script is compared with, or returns None for a
    script that has none. ``about_api`` says that the law is about objects and calls, whatever the dtype of numbers.
    """

    code: str
    title: str
    sentence: str
    source: str
    since: str
    applies: Callable[[Facts], bool]
    check: Callable[[Evidence], CheckOutcome]
    condition: str
    unit: str
    mathematics: str
    remedy: str
    example: str
    scripts: Callable[[Facts, Profile, int], Iterable[Script]] | None = None
    reference: Callable[[Script, Facts], ReferenceRun | None] | None = None
    theorem: str = ""
    about_api: bool = False

    @property
    def format_independent(self) -> bool:
        """Whether a profile may check it in one dtype of each configuration and mode.

        That is so of laws about objects and calls, and of those from SC300 on, which are about the rule's mathematics:
        a subject that obeys them in one dtype, and its envelopes in the others, hardly breaks them there.
        """
        return self.has_own_scripts and (self.about_api or self.code >= "SC300")

    @property
    def has_own_scripts(self) -> bool:
        """Whether it is checked on scripts of its own, or compares a run with a reference run."""
        return self.scripts is not None or self.reference is not None
