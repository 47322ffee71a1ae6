"""Observed run: where an optimizer takes its parameters in experiments, whatever computes its steps."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepcheck_implementations.driver.error_text import SubjectRaised, one_line
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.signature import signature_of
from stepcheck_implementations.reader import held_numbers
from stepcheck_implementations.reader.read_subject import Construction, Inputs, Subject
from stepcheck_implementations.reader.read_target import constructions

ELEMENTS = 3
"""The elements of every experiment: those of the first parameter, which a subject of one tensor has too."""


def observe(
    target_object: Any,
    target: str,
    *,
    configuration: str,
    mode: str,
    options: Mapping[str, Any],
    experiments: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return where ``target_object`` takes the elements of its parameter in each of ``experiments``, in float64.

    An experiment has "numbers" by slot ("betas[0]"), "rates" (the value of the argument in "rate" at each step, where
    that changes), "begin" (ELEMENTS values) and "gradients" (a row of as many for each step). The answer has "theta",
    for each experiment a row for each step. Raises TargetError where it cannot be built or stepped so.
    """
    signature = signature_of(target_object, target)
    failures: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for construction in constructions(target_object, target, signature, configuration, mode, dict(options)):
            try:
                return {"theta": [_observed(construction, experiment) for experiment in experiments]}
            except (SubjectRaised, TypeError) as error:
                failures.append(error.message if isinstance(error, SubjectRaised) else one_line(error))
    raise TargetError(f"{target}: takes no steps in float64: {failures[0]}")


def _observed(construction: Construction, experiment: Mapping[str, Any]) -> list[list[float]]:
    numbers = {slot: experiment["numbers"].get(slot, value) for slot, value in construction.numbers.items()}
    inputs = Inputs(tuple(experiment["begin"]), tuple(tuple(row) for row in experiment["gradients"]), (ELEMENTS,))
    subject = Subject(replace(construction, dtype="float64"), numbers, inputs=inputs)
    rows = []
    for index in range(len(experiment["gradients"])):
        if experiment["rates"]:
            _set_rate(subject, experiment["rate"], experiment["rates"][index])
        subject.step(index)
        rows.append([float(value) for value in subject.parameters[0].detach().tolist()])
    return rows


def _set_rate(subject: Subject, slot: str, rate: float) -> None:
    for location in subject.locations:
        if not held_numbers.replace(subject.optimizer, f"group.{slot}", rate, location):
            raise TypeError(f"it has no {slot} in its parameter groups")
