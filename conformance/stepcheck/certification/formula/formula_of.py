"""The code of a target compared with the rule that it claims, or identified where it claims none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace as replaced

from stepcheck.certification.answers import RULE
from stepcheck.certification.certificate import Answer
from stepcheck.certification.formula.by_steps import by_steps
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.driver.target import TargetError
from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.identify import Identification, identify_reading
from stepcheck_reference.identify.comparison import Comparison, compare_reading, parting
from stepcheck_reference.identify.conclusion import EQUAL, NONE, OBSERVED, PROVED, UNREAD
from stepcheck_reference.identify.lettering import letters_of
from stepcheck_reference.reading.as_rule import Letters
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule
from stepcheck_reference.rule_names import is_place
from stepcheck_reference.rules import find
from stepcheck_reference.verdict import Verdict

FIXED = "fixed at "
"""How an identification says that the code has a number for a hyper-parameter."""

NO_RULE = "it takes the steps of no rule here"
"""What is said of code that was not read, and that steps as no rule does; then none is proposed."""

Options = Mapping[str, float | bool]


@dataclass(frozen=True, slots=True)
class Identified:
    """What a target's code computes where its optional numbers are 0: ``answer``, with ``held`` those numbers."""

    reading: Reading
    answer: Identification
    held: tuple[str, ...]


def identified(request: Request, runner: Runner) -> Identified | str:
    """Return which rule the code of the target computes with its optional numbers at 0, or why that is not known."""
    off = optional_numbers(request, runner)
    reading = _read(request, runner, off)
    if isinstance(reading, str):
        return reading
    try:
        answer = identify_reading(reading)
        if answer.verdict == UNREAD:
            fixed = {name: value for name, value in request.fixed.items() if _is_argument(name, request, runner)}
            answer = by_steps(reading, runner, "", "single", {**off, **fixed})
    except Exception as error:  # of whatever a subject's equations are made
        return _failed(error)
    if answer.verdict == OBSERVED and answer.rule is not None:
        return Identified(reading, answer, tuple(off))
    if answer.verdict == OBSERVED and answer.name is None:
        return f"{_unknown(answer)}; {NO_RULE} ({answer.steps} steps)"
    return _unknown(answer) or Identified(reading, answer, tuple(off))


def taken(request: Request, runner: Runner) -> Formula | str:
    """Return the formula of a target for which no rule is named, or why its code was not read.

    Raises WrongRequest with its equations where they are no rule that can be certified.
    """
    found = identified(request, runner)
    if isinstance(found, str):
        return found
    answer = found.answer
    if answer.rule is not None and answer.verdict == OBSERVED:
        return Formula(
            rule=answer.rule,
            unread=", ".join(answer.opaque),
            steps=answer.steps,
            taken=True,
            held=found.held,
            arguments=_matched(answer)[0],
            numbers=_matched(answer)[1],
        )
    if answer.rule is not None:
        compared = compare_reading(found.reading, find(answer.rule))
        return replaced(
            _equal(answer.rule, compared, found.held),
            proved=answer.verdict == PROVED,
            taken=True,
            arguments=_matched(answer)[0],
            numbers=_matched(answer)[1],
        )
    if answer.name is not None:
        parts = [f"its code computes {answer.name}, for which there is no rule here, and differs from {answer.base}: "]
        parts += ["; ".join(part.sentence for part in answer.differences)]
    else:
        parts = [f"no rule here computes what its code does, which is {'; '.join(answer.equations)}"]
        if answer.nearest is not None:
            near = answer.nearest
            parts += [f". Nearest is {near.rule}, which has {near.of_rule} for {near.of_code} in {near.equation}"]
    raise WrongRequest("".join([f"{request.target}: ", *parts, ". With --as it is held to a rule all the same"]))


def formula_of(request: Request, runner: Runner, rule: str) -> Formula:
    """Return how the target's code compares with ``rule``: all that it has switched on, or optional numbers at 0."""
    try:
        return _compared(request, runner, rule)
    except Exception as error:  # of whatever a subject's equations are made
        return Formula(rule=rule, unread=_failed(error))


def _compared(request: Request, runner: Runner, rule: str) -> Formula:
    claimed, off = find(rule), optional_numbers(request, runner)
    chosen: list[Options] = [{}, off] if off else [{}]
    reading: Reading | str = ""
    for options in chosen:
        reading = _read(request, runner, options)
        if isinstance(reading, str):
            return Formula(rule=rule, unread=reading)
        if not reading.complete:
            return Formula(rule=rule, unread=", ".join(reading.opaque))
        found = compare_reading(reading, claimed)
        if found.how:
            return _equal(rule, found, tuple(options))
    assert isinstance(reading, Reading)
    if is_place(rule):  # what is switched on is part of the rule, so that it is with all that on that they differ
        whole = _read(request, runner, {})
        reading = whole if isinstance(whole, Reading) else reading
    answer = identify_reading(reading)
    letters = letters_of(reading, answer)
    return Formula(
        rule=rule,
        proved=answer.verdict == PROVED,
        reads_as=answer.name or "",
        differences=_differences(answer) if not is_place(rule) else _parting(reading, claimed, letters),
        arguments={
            letters[symbol].name: reading.slots[symbol]
            for symbol in reading.hyper
            if letters[symbol] in claimed.hyper and symbol in reading.slots
        },
        unread=_unknown(answer),
        held=() if is_place(rule) else tuple(off),
    )


def _failed(error: Exception) -> str:
    return f"comparing its equations ended in {one_line(error)}"


def _unknown(answer: Identification) -> str:
    """Return why nothing is known of the code, "" where something is."""
    if answer.verdict in (PROVED, EQUAL, NONE):
        return ""
    return ", ".join(answer.opaque) or answer.verdict


def _equal(rule: str, found: Comparison, held: tuple[str, ...]) -> Formula:
    proved = found.how == PROVED
    return Formula(
        rule=rule,
        equal=True,
        proved=proved,
        held=held,
        arguments=dict(found.arguments),
        numbers=dict(found.numbers),
        made=dict(found.made),
        made_with=found.made_with,
    )


def judged(formula: Formula, answered: Sequence[Answer]) -> Formula:
    """Return ``formula`` beside the verdicts on the rule: what its runs keep, its code computes on the paths they took.

    A reading that is not the rule which all runs keep has missed a path; then nothing is claimed of the code.
    """
    rule = next((answer for answer in answered if answer.about == RULE), None)
    if formula.equal or formula.unread or rule is None or rule.verdict is not Verdict.HOLDS:
        return formula
    return Formula(rule=formula.rule, unread=f"its runs keep {formula.rule}, and what was read is not all that they do")


def optional_numbers(request: Request, runner: Runner) -> dict[str, float]:
    """Return the arguments of the target that are 0 by default, at 0."""
    defaults = runner.signature(request.target)["defaults"]
    return {
        name: 0.0
        for name, value in defaults.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0 and name not in request.fixed
    }


def _parting(reading: Reading, rule: Rule, letters: Letters) -> tuple[str, ...]:
    """Return where the code is not a rule that the request brings, of which there may be no other description."""
    first = parting(reading, rule, letters)
    return () if first is None else (f"they first part in {first.equation}: {first.of_code} for {first.of_rule}",)


def _differences(answer: Identification) -> tuple[str, ...]:
    if answer.name is not None:
        return (*(part.sentence for part in answer.differences), *answer.remarks)
    near = answer.nearest
    if near is None:
        return ()
    return (f"nearest is {near.rule}, they first part in {near.equation}: {near.of_code} for {near.of_rule}",)


def _read(request: Request, runner: Runner, options: Options) -> Reading | str:
    """Return the reading of the target built with ``options``, or why there is none.

    What the request fixes is passed where the target has such an argument; else it is a number in its code.
    """
    fixed = {name: value for name, value in request.fixed.items() if _is_argument(name, request, runner)}
    try:
        data = runner.read(request.target, configuration="", mode="single", options={**options, **fixed})
    except TargetError as error:
        return str(error).removeprefix(f"{request.target}: ")
    if data["changed"]:
        return f"{', '.join(data['changed'])} ended in other bits because the run was read"
    return reading_of(data, "")


def arguments_of(request: Request, runner: Runner, rule: str) -> tuple[dict[str, str], dict[str, float]]:
    """Return which argument each hyper-parameter of ``rule`` is, and which number it is else, as the code shows.

    Nothing is returned of an argument that is called as a hyper-parameter is, nor of code that is another rule's.
    """
    known = {symbol.name for symbol in ALPHABET}
    reading: Reading | str = ""
    try:
        for options in ({}, optional_numbers(request, runner)):
            reading = _read(request, runner, options)
            if isinstance(reading, str):
                return {}, {}
            found = compare_reading(reading, find(rule))
            if found.how:
                hyper = {letter: symbol for symbol, letter in found.letters.items() if symbol not in reading.names}
                slots = {letter: reading.slots.get(symbol, symbol.name) for letter, symbol in hyper.items()}
                return {letter: slot for letter, slot in slots.items() if slot not in known}, dict(found.numbers)
        answer = identify_reading(reading) if isinstance(reading, Reading) else None
    except Exception:  # of whatever a subject's equations are made
        return {}, {}
    return _matched(answer) if answer is not None and answer.rule == rule else ({}, {})


def _matched(answer: Identification) -> tuple[dict[str, str], dict[str, float]]:
    """Return the arguments and the numbers that hyper-parameters of the rule are in the code."""
    said = answer.hyper
    return (
        {name: text for name, text in said.items() if not text.startswith(FIXED)},
        {name: float(text.removeprefix(FIXED)) for name, text in said.items() if text.startswith(FIXED)},
    )


def reading_in(adapter: Adapter, planned: Planned, runner: Runner) -> dict[str, Any] | str:
    """Return what a reader writes of the code in a cell's configuration, mode and dtype, or why it was not read."""
    cell = planned.cell
    configuration = adapter.configuration(cell.configuration)
    options: dict[str, Any] = {**adapter.modes[cell.mode], **configuration.options}
    for name, value in {**configuration.fixed_hyper, **planned.fixed_hyper}.items():
        if name in adapter.hyper:
            options[adapter.hyper[name]] = value
    options |= {name: value for name, value in cell.fixed if name in planned.arguments}
    try:
        data = runner.read(cell.target, configuration="", mode="single", options=options, dtype=cell.dtype)
    except TargetError as error:
        return str(error).removeprefix(f"{cell.target}: ")
    if data["changed"]:
        return f"{', '.join(data['changed'])} ended in other bits because the run was read"
    return data


def _is_argument(name: str, request: Request, runner: Runner) -> bool:
    """Return whether the target takes ``name``, or, as beta1 in betas, as an entry of a tuple."""
    takes = runner.signature(request.target)["arguments"]
    return name in takes or f"{name.rstrip('0123456789')}s" in takes
