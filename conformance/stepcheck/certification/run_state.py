"""The state of a run: the results that have come in, and the certificate of those."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass

from stepcheck.certification.answers import answers
from stepcheck.certification.certificate import CellResult, Certificate, Findings, Run
from stepcheck.certification.output.installed_versions import versions_of
from stepcheck.certification.references.bringing import record_of
from stepcheck.certification.request import Request
from stepcheck.certification.survey import Survey
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_reference.verdict import overall


@dataclass(frozen=True)
class RunState:
    """A run with the ``results`` that have come in, by the number of their cell."""

    request: Request
    surveyed: Survey
    results: Mapping[int, CellResult]
    jobs: int
    began: float
    taken_over: int

    def rule_of(self, number: int) -> str:
        """Return the name of a cell's rule."""
        rule = self.surveyed.cells[number][1].rule
        return rule.name if rule is not None else ""

    def certificate(self, stopped: BaseException | None = None) -> Certificate:
        """Return the certificate of the results so far; ``stopped`` is what ended the run early."""
        request, surveyed, results = self.request, self.surveyed, self.results
        cells = tuple(results[number] for number in sorted(results))
        rule = " and ".join(dict.fromkeys(e.rule.name for _, e in surveyed.cells if e.rule is not None))
        seconds = time.perf_counter() - self.began
        return Certificate(
            findings=Findings(
                verdict=overall(cell.verdict for cell in cells),
                target=request.target,
                rule=rule,
                profile=request.profile,
                seed=request.seed,
                strict=request.strict,
                fixed=dict(request.fixed),
                cells=cells,
                unfinished=len(surveyed.cells) - len(cells),
                without_rule=surveyed.without_rule,
                matched=surveyed.matched,
                reference=record_of(request.rule),
                defaults=surveyed.defaults,
                answers=answers(cells, rule, of_library=len(surveyed.subjects) > 1),
                select=request.select,
                ignore=request.ignore,
            ),
            run=Run(
                seconds=round(seconds, 3),
                jobs=self.jobs,
                versions=versions_of(request.target, surveyed.environment),
                host=platform.platform(),
                interrupted=isinstance(stopped, KeyboardInterrupt),
                stopped="" if stopped is None else one_line(stopped),
                taken_over=self.taken_over,
                started=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds)),
            ),
        )
