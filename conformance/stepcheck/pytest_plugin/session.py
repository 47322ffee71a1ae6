"""Dockets: the hearings of one pytest session, and the processes that their subjects run in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from stepcheck.certification.certify import PATIENCE
from stepcheck.certification.request import Request, WrongRequest, requested
from stepcheck.certification.runner import Runner
from stepcheck.certification.session import EvaluationSession
from stepcheck.certification.survey import check_target
from stepcheck.pytest_plugin.cases import Case, CasesArguments, named
from stepcheck.pytest_plugin.expected_failures import expected, expected_failures
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.laws import ALL
from stepcheck_reference.rules import find

Target = str | Callable[..., Any]


class PytestSession:
    """Hearings by target and request, each opened once; ``close`` ends the workers."""

    def __init__(self) -> None:
        self._hearings: list[tuple[Target, Request, EvaluationSession]] = []
        self._workers: dict[float, Workers] = {}
        self._open = contextlib.ExitStack()

    def cases(self, asked: CasesArguments) -> list[Case]:
        """Return a case a law in each cell that is to be judged, and one for each other cell.

        Raises WrongRequest, UnknownRule, OutOfDomain and TargetError, as ``certify`` does, and WrongRequest where no
        cell is to be judged.
        """
        entries = expected_failures(asked.expected_failures)
        session = self.session(asked.target, _request(asked))
        if all(entry.verdict is not None for entry in session.planned):
            reasons = dict.fromkeys(entry.reason for entry in session.planned)
            raise WrongRequest(f"there is nothing to compare: {'; '.join(reasons) or 'no cell'}")
        cases: list[Case] = []
        for number, entry in enumerate(session.planned):
            name = named(entry.cell)
            codes = [law.code for law in ALL] if entry.verdict is None else [""]
            cases += (
                Case(entry.cell, code, name, number, session, expected(entries, code, name), bool(asked.strict))
                for code in codes
            )
        return cases

    def session(self, target: Target, request: Request) -> EvaluationSession:
        """Return the hearing of ``request``; ``target`` is its name, or an object that is run in this process.

        Raises WrongRequest, UnknownRule, OutOfDomain and TargetError, as ``certify`` does.
        """
        for subject, heard, session in self._hearings:
            if heard == request and (subject is target or (isinstance(target, str) and subject == target)):
                return session
        if request.rule is not None:
            find(request.rule)
        session = EvaluationSession(request, self._runner(target, request))
        self._hearings.append((target, request, session))
        return session

    def close(self) -> None:
        """End every worker."""
        self._open.close()

    def _runner(self, target: Target, request: Request) -> Runner:
        if not isinstance(target, str):
            from stepcheck_implementations.workers.in_process import InProcess

            return InProcess(target)
        check_target(request)
        deadline = PATIENCE[request.profile]
        if deadline not in self._workers:
            first = next(iter(self._workers.values()), None)
            workers = Workers(address=first.address if first else None, deadline=deadline)
            self._workers[deadline] = self._open.enter_context(workers)
        return self._workers[deadline]


def _request(asked: CasesArguments) -> Request:
    if isinstance(asked.target, str):
        name = asked.target
    else:
        from stepcheck_implementations.workers.in_process import name_of

        name = name_of(asked.target)
    return requested(
        name,
        rule=asked.rule,
        modes=asked.modes,
        dtypes=asked.dtypes,
        devices=asked.devices,
        fixed=asked.fixed,
        map=asked.map,
        profile=asked.profile or "quick",
        seed=asked.seed or 0,
    )
