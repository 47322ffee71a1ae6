"""Verification: whether a subject holds the envelope of its own reading."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sympy import Symbol

from stepcheck.certification.undeclared.inference import CANDIDATES
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue, with_allowances
from stepcheck_implementations.adapters import libraries, optax, wrappers
from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration
from stepcheck_implementations.matching.claim import is_refusal
from stepcheck_properties.profile import QUICK
from stepcheck_properties.scripts.edge_cases import edge_cases
from stepcheck_reference.alphabet import theta
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.judge import judge_all
from stepcheck_reference.oracle.judgement import Deviation, Judgement
from stepcheck_reference.reading.as_rule import NotARule, as_rule, default_letters
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Group, Script
from stepcheck_reference.scripts.trajectory import Trajectory

DTYPES = ("float32", "float64")
"""The formats that a reading is verified in: the first alone where code converts to a format of its own choice, and
where a state is one number a tensor, which may be float32 beside float64."""
CASES = (
    *("shrinking_gradients", "zeros_and_subnormals", "epsilons", "ends_of_domains", "zero_rate", "turning_signs"),
    *("short_memory", "many_steps", "bulk"),
)
"""The edge cases that are about values; others are about calls and memory, of which a reading says nothing."""


PARTS = "it leaves the envelope of its reading"
"""The reason where a number is outside the envelope of the reading."""


class Runner(Protocol):
    """What turns a script into a trajectory: ``Workers``, or ``InProcess``."""

    def run(self, adapter: Adapter, cell: Cell, script: Script) -> Trajectory:
        """Return what the cell's subject does over ``script``."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the subject lies in the envelope of its own reading, over ``scripts`` scripts.

    ``compared`` counts element-steps. Where it does not, ``reason`` says why, ``script`` is the script on which they
    part, and ``deviation`` the worst element of it, in letters of the alphabet.
    """

    verified: bool
    compared: int = 0
    scripts: int = 0
    reason: str = ""
    script: Script | None = None
    deviation: Deviation | None = None


def verify(reading: Reading, runner: Runner, mode: str = "single") -> Verification:
    """Return whether the subject of ``reading`` does what it says."""
    try:
        letters = default_letters(reading)
        rule = as_rule(reading, letters)
        program_of(rule)
    except NotARule as error:
        return Verification(False, reason=str(error))
    except ValueError as error:
        return Verification(False, reason=f"the oracle cannot judge it: {error}")
    adapter = _adapter(reading, letters, mode)
    compared = scripts = 0
    narrow = bool(reading.scalars or reading.built["formats"])
    for dtype in DTYPES[:1] if narrow else DTYPES:
        cell = Cell(reading.target, adapter.configurations[0].name, mode, dtype, "cpu")
        issues = _known_issues(cell, str(runner.environment()["torch"]))
        runs = []
        for script in _scripts(rule, dtype, dict(adapter.configurations[0].fixed_hyper)):
            trajectory = runner.run(adapter, cell, script)
            if trajectory.fault is not None and is_refusal(trajectory.fault):
                continue
            if trajectory.fault is not None:
                return Verification(False, compared, scripts, trajectory.fault.message, script)
            runs.append((script, trajectory))
        moving = {letters[state].name for state, value in reading.init.items() if value.has(theta)}
        judged, parted = _judged(rule, runs, dtype, _arithmetics(cell, issues, adapter.wrapper), moving)
        if parted is not None:
            return parted
        compared += sum(judgement.compared for judgement in judged)
        scripts += len(runs)
    return Verification(compared > 0, compared, scripts, "" if compared else "nothing was compared")


def _scripts(rule: Rule, dtype: str, fixed_hyper: Mapping[str, float]) -> Iterator[Script]:
    """Yield the edge cases about values, a script for each of their groups: a reading says nothing of groups."""
    for case in edge_cases(rule=rule, dtype=dtype, profile=QUICK, fixed_hyper=fixed_hyper):
        if case.name in CASES:
            yield from (_of_group(case.script, number) for number in range(len(case.script.groups)))


def _of_group(script: Script, number: int) -> Script:
    """Return ``script`` with the tensors of one group alone."""
    indices = script.groups[number].tensors
    steps = tuple(
        replace(
            step,
            gradients=tuple(step.gradients[index] for index in indices),
            hyper=tuple((0, name, value) for group, name, value in step.hyper if group == number),
            overwrite=(),
        )
        for step in script.steps
    )
    group = Group(tuple(range(len(indices))), script.groups[number].hyper)
    return replace(script, tensors=tuple(script.tensors[index] for index in indices), groups=(group,), steps=steps)


def _judged(
    rule: Rule,
    runs: Sequence[tuple[Script, Trajectory]],
    dtype: str,
    tried: Iterable[Mapping[str, Arithmetic]],
    moving: Collection[str],
) -> tuple[list[Judgement], Verification | None]:
    """Return the judgements under the first arithmetic that all runs hold with, else where they part under PLAIN."""
    parted: Verification | None = None
    for arithmetics in tried:
        judged = judge_all(rule, runs, arithmetics, only=dtype)
        found = [(script, _parts(judgement, moving)) for (script, _), judgement in zip(runs, judged, strict=True)]
        bad = [(script, parts) for script, parts in found if parts]
        if not bad:
            return judged, None
        if parted is None:
            script, parts = bad[0]
            worst = max(parts, key=lambda deviation: deviation.ratio)
            compared = sum(judgement.compared for judgement in judged)
            parted = Verification(False, compared, len(runs), PARTS, script, worst)
    return [], parted


def _parts(judgement: Judgement, moving: Collection[str]) -> list[Deviation]:
    """Return what is outside its envelope; the states ``moving`` begin as parameters, which no rule says."""
    return [*judgement.breaks, *(entry for entry in judgement.initials if entry.output not in moving)]


def _known_issues(cell: Cell, torch: str) -> list[KnownIssue]:
    """Return the known issues of a library's class in any configuration."""
    known = libraries.find(cell.target)
    configurations = known.configurations if known is not None else ()
    cells = [replace(cell, configuration=configuration.name) for configuration in configurations]
    return [issue for issue in ALL if any(issue.matches(entry, torch) for entry in cells)]


def _arithmetics(cell: Cell, issues: Sequence[KnownIssue], wrapper: str) -> Iterator[Mapping[str, Arithmetic]]:
    """Yield the arithmetic that a library declares, else those that an undeclared subject may have."""
    known = libraries.find(cell.target)
    if known is None or not known.declared:
        if wrapper == wrappers.OPTAX:
            for like in ("", optax.RECIPROCALS[0]):
                yield {dtype: optax.arithmetic_of(cell.mode, dtype, cell.device, like) for dtype in FORMATS}
        else:
            yield from (entry.widened() for entry in CANDIDATES)
        return
    yield {dtype: with_allowances(issues, libraries.arithmetic_of(cell, dtype)) for dtype in FORMATS}


def _adapter(reading: Reading, letters: Mapping[Symbol, Symbol], mode: str) -> Adapter:
    """Return what drives the subject as it was read, with arguments and states under their letters."""
    built = reading.built
    hyper: dict[str, str] = {}
    fixed_hyper: dict[str, float] = {}
    options = dict(built["fixed"])
    for symbol, value in reading.hyper.items():
        name, slot = letters[symbol].name, reading.slots[symbol]
        if symbol.name in built["meant"]:
            hyper[name] = slot
            continue
        fixed_hyper[name] = float(value)
        if isinstance(value, int):
            options[slot] = value
        else:
            hyper[name] = slot
    for slot, value in built["held_at"].items():
        name = f"held {slot}"
        hyper[name], fixed_hyper[name] = slot, value
    return Adapter(
        target=reading.target,
        rule=None,
        hyper=hyper,
        states={letters[state].name: path for state, path in built["at"].items() if state in letters},
        modes={mode: {}},
        configurations=(Configuration("read", options, fixed_hyper=fixed_hyper),),
        count=None,
        takes=built["takes"],
        wrapper=built["wrapper"],
        source=built["source"],
    )
