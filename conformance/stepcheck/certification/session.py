"""The evaluation session: a request surveyed once in this process, its cells evaluated when they are first read."""

from __future__ import annotations

import traceback
import warnings

from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import survey
from stepcheck_reference.verdict import Verdict

CLAIMS = (Verdict.HOLDS, Verdict.BROKEN, Verdict.EXPECTED_BROKEN)
"""Verdicts that support a claim."""


class NotEvaluated(RuntimeError):
    """A cell that could not be evaluated, by a defect of stepcheck; the first time the message has the traceback."""


class EvaluationSession:
    """The cells of ``request``, whose subjects ``runner`` drives.

    ``planned`` are the cells in the order configuration, mode, dtype, device, the same in every process. Raises
    what ``survey`` raises.
    """

    def __init__(self, request: Request, runner: Runner) -> None:
        surveyed = survey(request, runner)
        self.request = surveyed.subjects[0].request if len(surveyed.subjects) == 1 else request
        self.runner, self.torch = runner, str(surveyed.environment["torch"])
        self.cells = surveyed.cells
        self.planned = [entry for _, entry in self.cells]
        self._results: dict[int, CellResult] = {}
        self._failures: dict[int, str] = {}
        """The cells whose evaluation failed; it is not tried again."""

    def result(self, number: int) -> CellResult:
        """Return the result of the cell ``planned[number]``, which is evaluated once.

        Raises NotEvaluated, each time, where evaluating it failed. Filters that turn warnings into errors are suspended
        meanwhile: a verdict does not depend on them.
        """
        if number in self._failures:
            raise NotEvaluated(self._failures[number])
        if number not in self._results:
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                try:
                    self._results[number] = self.evaluate(number)
                except Exception as error:
                    cell = self.planned[number].cell.id
                    self._failures[number] = f"{cell} was not evaluated, as the first of its tests says"
                    trace = traceback.format_exc().rstrip()
                    raise NotEvaluated(f"{cell} was not evaluated: stepcheck itself failed\n{trace}") from error
        return self._results[number]

    def evaluate(self, number: int) -> CellResult:
        """Return the result of the cell ``planned[number]``, evaluated now."""
        subject, planned = self.cells[number]
        if planned.verdict is not None:
            return planned.unjudged()
        return CellEvaluator(subject, planned, self.runner, self.torch).evaluate()

    def is_evaluated(self, number: int) -> bool:
        """Whether the cell ``planned[number]`` has been evaluated."""
        return number in self._results

    def supports_a_claim(self) -> bool:
        """Whether any cell supports a claim; evaluates cells until one does."""
        open_ = [number for number, entry in enumerate(self.planned) if entry.verdict is None]
        evaluated_first = sorted(open_, key=lambda number: number not in self._results)
        return any(self.result(number).verdict in CLAIMS for number in evaluated_first)
