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


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a subject in one cell.

    ``observed`` are the states it shows, ``counted`` says whether it shows a step counter, and both are empty until it
    has run. ``modes`` are the execution paths that it has in this dtype on this device, ``takes`` the hyper-parameters
    that it takes, by alphabet name, and ``fixed_hyper`` those that stand still in this cell, with their values.
    ``arguments`` are the names its constructor takes. ``interface`` is "torch" (built from parameter groups, with
    ``state`` and ``state_dict``), "object" (anything else with ``step()``) or "wrapped" (driven through a wrapper of
    ours). ``constant`` are the hyper-parameters that cannot be changed once it is built. ``companions`` are the dtypes
    that may stand beside its own, and ``refuses`` says whether its constructor refuses a learning rate of -1.
    """

    rule: Rule
    observed_states: frozenset[str] = frozenset()
    shows_step_count: bool = False
    dtype: str = "float32"
    mode: str = "single"
    device: str = "cpu"
    modes: tuple[str, ...] = ("single",)
    accepted_hyper: frozenset[str] = frozenset()
    fixed_hyper: Mapping[str, float] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()
    interface: str = "torch"
    constant_hyper: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    rejects_negative_lr: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """A second run to hold the first against: its script, in another ``mode``, dtype or with other ``options``.

    ``options`` are constructor arguments; ``rule`` is what the twin is judged by, where that is another.
    """

    script: Script
    mode: str = ""
    dtype: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    rule: Rule | None = None


class RunScript(Protocol):
    """Runs a script on the subject; with ``reference``, on the subject as that says."""

    def __call__(self, script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        """Return what the subject does over ``script``."""


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
    """The real of a twin's run that a real should be ``factor`` times: its tensor, step and index there."""

    tensor: int
    step: int
    index: int
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Breach:
    """One way in which a run breaks a law.

    ``output`` names what is wrong: "theta", a state, "count", or the kind of a fault; with the law's code
    it says which failures are the same. ``tensor`` counts from 0, ``step`` from 1 (0: before the first).
    ``ratio`` is the error over its radius, inf where the law is exact. ``message`` says observed and
    expected in one line. ``counterpart`` is what should be the same in the twin's run, if there is one. What is
    no real of a tensor is told by two Python expressions: ``reading``, in the words of a standalone program (p0,
    optimizer, calls, returned), has another value after ``step`` than ``wanted``.
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


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The outcome of a check: how much was compared, in the law's own unit, and every breach."""

    compared: int
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """A property that every subject it applies to has.

    ``code`` is stable and never reused. ``sentence`` is true of every conforming subject;
    ``condition`` says in words what ``applies`` decides from facts. ``mathematics``, ``remedy`` (what to do
    when it is broken) and ``example`` (code that breaks it) are for people. ``unit`` names what
    ``check`` counts. ``since`` is stepcheck's version that brought it. ``theorem`` names what is proved of rules, where
    the sentence is about rules too.

    A law without ``scripts`` is checked on every script that its cell is put through, one with ``scripts`` on its own:
    these are made for (facts, profile, seed). ``reference`` makes the second run that a script is held against, or
    returns None where there is none; the evidence then has it. ``objects`` says that it is about objects and calls, in
    which the format of numbers plays no part.
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
        """Whether a subject that keeps it in one dtype, and to the oracle in the others, hardly breaks it there.

        That is so of the rule's mathematics, and of contracts about objects and calls.
        """
        return self.has_own_scripts and (self.about_api or self.code >= "SC300")

    @property
    def has_own_scripts(self) -> bool:
        """Whether it is checked on scripts of its own, or holds one run against another."""
        return self.scripts is not None or self.reference is not None
