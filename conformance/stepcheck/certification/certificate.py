"""Certificates: what was compared and what it showed, as records with a stable JSON form.

``Findings`` (the "verdict" section of the JSON) depends on the subject, the request and the seed alone;
timings, versions and the host are in ``Run``. Numbers that JSON cannot hold are the strings
"nan", "inf" and "-inf".
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from stepcheck.certification.departure import Departure
from stepcheck.certification.failures.hazard import Hazard
from stepcheck.certification.formula.accuracy_record import Accuracy
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.references.reference_record import Reference
from stepcheck.certification.undeclared.kept import Kept
from stepcheck_reference.verdict import Verdict, exit_code

SCHEMA_VERSION = 1
"""Rises when a field changes its meaning or goes; a new optional field does not raise it."""

Number = float | str


def number(value: float) -> Number:
    """Return ``value`` as the certificate writes it."""
    value = float(value)
    return value if math.isfinite(value) else repr(value)


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """The element of one output that came nearest to the edge of its envelope, or went furthest past it.

    ``output`` is "theta" or a state's alphabet name, ``tensor`` and ``index`` say which real of which
    tensor (C order), ``step`` counts from 1 (0: the initial state). ``ratio`` is |observed - expected| in
    units of ``radius``. ``inputs`` are the values that entered the step, by alphabet name.
    """

    output: str
    tensor: int
    step: int
    index: int
    observed: Number
    expected: Number
    radius: Number
    ratio: Number
    inputs: dict[str, Number] = {}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One real number after one step: its observed value, and the envelope, expected ± radius.

    ``step`` 0 is the value before the first step. The radius is "nan" where the step was not compared.
    """

    step: int
    observed: Number
    expected: Number
    radius: Number


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One broken law with its smallest script.

    ``message`` is one line. ``worst`` is None where the subject did not finish its script, and ``fault``
    then says how: "raised", "crashed", "hung" or "malformed". ``finding`` names the known issue that
    covers this failure, "" where none does. ``path`` is the trace of the real that ``worst`` points at over the
    script's steps, empty where a second run does not reproduce it. ``follows_from`` is the code of the broken law of
    the same cell from which this failure follows, "" where it stands for itself. ``standalone_run`` says what the
    program did in a process of its own: "fails", "passes" or "raises ..."; "" where it was not run.
    """

    code: str
    title: str
    message: str
    rule: str
    script: dict[str, Any]
    token: str
    standalone: str
    worst: Worst | None = None
    fault: str = ""
    known_issue: str = msgspec.field(default="", name="finding")
    explanation: str = ""
    trace: tuple[Point, ...] = msgspec.field(default=(), name="path")
    follows_from: str = ""
    standalone_run: str = ""


class LawResult(msgspec.Struct, frozen=True, kw_only=True):
    """One law in one cell: the verdict and how many things were compared for it."""

    code: str
    verdict: Verdict
    compared: int = 0
    failures: tuple[Failure, ...] = ()


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: configuration, mode, dtype and device of the subject, judged against one rule.

    ``target`` names the subject, one of several where a whole library was asked for. ``element_steps`` were executed,
    ``compared`` of them judged, ``not_compared`` counts the rest by reason. ``observability`` is "stepwise",
    "theta_only" or "trajectory". ``arithmetic`` names the model and ``arithmetic_source`` where its figures come from;
    ``inferred`` says that the model was inferred from runs, not declared. ``operations`` says whether they are right in
    the order that the code has, where the rule's own envelope was left and the code read, and ``accuracy`` how much
    that order loses. ``fixed_upstream`` names known issues that no longer break. ``ratios`` says for each output how
    many reals had a ratio in each bin: sixteen from 0 to 1, then (1, 10], (10, 1e3], (1e3, 1e6] and beyond. Empty bins
    at the end are left out. Inside 1, large tensors are sampled. ``hazards`` are the ``admissible_nonfinite`` reals by
    output.
    """

    id: str
    configuration: str
    mode: str
    dtype: str
    device: str
    rule: str
    verdict: Verdict
    reason: str = ""
    scripts: int = 0
    element_steps: int = 0
    compared: int = 0
    not_compared: dict[str, int] = {}
    admissible_nonfinite: int = 0
    hazards: tuple[Hazard, ...] = ()
    observability: str = ""
    arithmetic: str = ""
    arithmetic_source: str = ""
    inferred: str = ""
    operations: str = ""
    accuracy: Accuracy | None = None
    worst: dict[str, Worst] = {}
    worst_from_zero: Worst | None = None
    laws: tuple[LawResult, ...] = ()
    fixed_upstream: tuple[str, ...] = ()
    target: str = ""
    ratios: dict[str, tuple[int, ...]] = {}

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All failures of this cell, in the order of its laws."""
        return tuple(failure for law in self.laws for failure in law.failures)

    @property
    def ratio(self) -> float:
        """The worst ratio over parameters and states; nan where nothing was compared."""
        return max((float(worst.ratio) for worst in self.worst.values()), default=math.nan)


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """How a target without an adapter of its own was matched to its rule.

    ``hyper`` maps hyper-parameters to arguments, ``held`` gives the values of those that it does not accept or
    that stay fixed, ``states`` maps states, and "count", to where they are stored; ``unmapped`` are the states without
    a match. ``constant`` are hyper-parameters that cannot be changed after construction. ``unseen`` says why
    its state could not be inspected, "" where it was. ``options`` say what was found of its options, one sentence
    each; ``unexercised`` maps the arguments that no script varies to the value that they kept. ``refuses`` lists values
    and tensors that it does not accept, with its error.
    """

    hyper: dict[str, str] = {}
    fixed: dict[str, float] = msgspec.field(default={}, name="held")
    states: dict[str, str] = {}
    unmapped: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    unseen: str = ""
    options: tuple[str, ...] = ()
    unexercised: dict[str, str] = {}
    refuses: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One half of the verdict: ``about`` the "rule" that is claimed, or the "contracts" of every optimizer.

    ``text`` is the answer in words, as in "keeps adam (worst 0.952 radii)" or "breaks SC201 (None gradients)". ``laws``
    counts the laws of this half that were checked, ``broken`` are the codes of those that no known issue and no other
    failure explains.
    """

    about: str
    verdict: Verdict
    text: str
    laws: int = 0
    broken: tuple[str, ...] = ()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The request and its results; the same for the same subject, request and seed.

    ``without_rule`` names a library's optimizers that have no rule here and are not checked. ``matched`` is set for a
    target without an adapter of its own. ``defaults`` lists where a constructor departs from what its rule's source
    recommends, which changes no verdict. ``answers`` are the verdict on the rule and that on the contracts. ``select``
    and ``ignore`` are the codes of laws, or beginnings of codes, that were asked for and left out. ``keeps`` is another
    rule that the target keeps, where it breaks the claimed one. ``formula`` is the rule that one class's code computes,
    and ``reference`` the rule that the request has brought with it, in a file or as code.
    """

    verdict: Verdict
    target: str
    rule: str
    profile: str
    seed: int
    strict: bool = False
    fixed: dict[str, float | bool] = {}
    cells: tuple[CellResult, ...] = ()
    unfinished: int = 0
    without_rule: tuple[str, ...] = ()
    matched: Matched | None = None
    defaults: tuple[Departure, ...] = ()
    answers: tuple[Answer, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    keeps: Kept | None = None
    formula: Formula | None = None
    reference: Reference | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Circumstances that change from run to run. ``seconds`` is wall time; ``versions`` name releases.

    ``stopped`` says what ended the run before all cells were judged, "" where nothing did. ``started`` is when,
    in UTC, as in "2025-01-31T12:00:00". ``taken_over`` counts the cells that an interrupted run had finished.
    """

    seconds: float
    jobs: int
    versions: dict[str, str] = {}
    host: str = ""
    interrupted: bool = False
    stopped: str = ""
    started: str = ""
    taken_over: int = 0


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A subject's certificate; ``findings`` is written as the "verdict" section of the JSON."""

    findings: Findings = msgspec.field(name="verdict")
    run: Run
    schema_version: int = SCHEMA_VERSION

    @property
    def verdict(self) -> Verdict:
        """The overall verdict."""
        return self.findings.verdict

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """One result a cell, in the order configuration, mode, dtype, device."""
        return self.findings.cells

    @property
    def of_library(self) -> bool:
        """Whether the target was a library, and the cells are its classes'."""
        return any(cell.target not in ("", self.findings.target) for cell in self.cells)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every failure, those that a known issue covers included."""
        return tuple(failure for cell in self.cells for failure in cell.failures)

    @property
    def compared(self) -> int:
        """Element-steps compared over all cells."""
        return sum(cell.compared for cell in self.cells)

    @property
    def conforms(self) -> bool:
        """Whether every compared cell holds or breaks only as a known issue says."""
        return self.exit_code() == 0

    def exit_code(self, *, strict: bool | None = None) -> int:
        """Return the command line's exit code for this certificate; ``strict`` defaults to the request's.

        A hazard or a loss of accuracy is a failure where it is strict.
        """
        strict = self.findings.strict if strict is None else strict
        code = exit_code(self.verdict, strict=strict)
        return 1 if strict and code == 0 and any(cell.hazards or cell.accuracy for cell in self.cells) else code

    def to_json(self, *, indent: int = 2) -> str:
        """Return the certificate as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=indent).decode()


def from_json(text: str | bytes) -> Certificate:
    """Return the certificate that ``to_json`` wrote; raises ValueError where the text is not one."""
    try:
        certificate = msgspec.json.decode(text, type=Certificate)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a certificate: {error}") from error
    if certificate.schema_version != SCHEMA_VERSION:
        raise ValueError(f"schema_version={certificate.schema_version}, but should be {SCHEMA_VERSION}")
    return certificate
