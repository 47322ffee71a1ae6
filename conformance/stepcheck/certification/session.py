"""Hearings: a request surveyed once in this process, and each of its cells judged when somebody first asks for it."""

from __future__ import annotations

import warnings

from stepcheck.certification.certificate import CellResult
from stepcheck.certification.certify import left_out
from stepcheck.certification.evaluator import CellEvaluator
from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import survey
from stepcheck_reference.verdict import Verdict


class EvaluationSession:
    """The cells of ``request``, whose subjects ``runner`` drives.

    ``planned`` are the cells in the order configuration, mode, dtype, device, the same in every process. Raises
    what ``survey`` raises.
    """

    def __init__(self, request: Request, runner: Runner) -> None:
        found = survey(request, runner)
        torch = str(found.environment["torch"])
        evaluators = [CellEvaluator(subject.request, subject.adapter, torch, runner) for subject in found.subjects]
        self.request = request
        self.planned = [entry for subject in found.subjects for entry in subject.planned]
        self._courts = [
            evaluator for evaluator, subject in zip(evaluators, found.subjects, strict=True) for _ in subject.planned
        ]
        self._results: dict[int, CellResult] = {}

    def result(self, number: int) -> CellResult:
        """Return the result of the cell ``planned[number]``, which is judged once.

        Filters that turn warnings into errors are put aside meanwhile: a verdict does not depend on them.
        """
        if number not in self._results:
            entry = self.planned[number]
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                self._results[number] = self._courts[number].judge(entry) if entry.verdict is None else left_out(entry)
        return self._results[number]

    def knows(self, number: int) -> bool:
        """Whether the result of ``planned[number]`` is there already."""
        return number in self._results

    @property
    def compares(self) -> bool:
        """Whether any cell supports a claim; judges cells until one does."""
        supported = (Verdict.HOLDS, Verdict.BROKEN, Verdict.EXPECTED_BROKEN)
        open_ = [number for number, entry in enumerate(self.planned) if entry.verdict is None]
        known = sorted(open_, key=lambda number: number not in self._results)
        return any(self.result(number).verdict in supported for number in known)
