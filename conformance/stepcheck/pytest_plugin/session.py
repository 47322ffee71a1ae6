"""The session of one pytest run: an evaluation session for each target and request, and their worker processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from stepcheck.certification.certify import PATIENCE
from stepcheck.certification.chosen_laws.law_selection import ignored
from stepcheck.certification.references.bringing import check_rule_or_reference, with_reference
from stepcheck.certification.request import Request, WrongRequest, requested, target_name
from stepcheck.certification.runner import Runner
from stepcheck.certification.session import EvaluationSession
from stepcheck.certification.survey import check_target
from stepcheck.pytest_plugin.cases import Case, CasesArguments, cell_name
from stepcheck.pytest_plugin.expected_failures import expected_failures, expected_reason
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.laws import ALL

Target = str | Callable[..., Any]


class PytestSession:
    """Opens each target and request once, whatever the tests that ask for them; ``close`` ends the workers."""

    def __init__(self) -> None:
        self._sessions: list[tuple[Target, Target | None, Request, EvaluationSession]] = []
        self._workers: dict[float, Workers] = {}
        self._open = contextlib.ExitStack()

    def cases(self, arguments: CasesArguments) -> list[Case]:
        """Return a case for each law in each cell that is to be judged, and one for each other cell.

        Raises WrongRequest, UnknownRule, OutOfDomain and TargetError, as ``certify`` does, and WrongRequest where no
        cell is to be judged.
        """
        expected = expected_failures(arguments.expected_failures)
        session = self.evaluation_session(arguments.target, _request(arguments), arguments.like)
        if all(entry.verdict is not None for entry in session.planned):
            reasons = dict.fromkeys(entry.reason for entry in session.planned)
            raise WrongRequest(f"there is nothing to compare: {'; '.join(reasons) or 'no cell'}")
        left_out = ignored(session.request.select, session.request.ignore)
        chosen = [law.code for law in ALL if law.code not in left_out]
        cases: list[Case] = []
        for number, entry in enumerate(session.planned):
            name, strict = cell_name(entry.cell), bool(arguments.strict)
            for code in chosen if entry.verdict is None else [""]:
                reason = expected_reason(expected, code, name)
                cases.append(Case(entry.cell, code, name, number, session, reason, strict))
        return cases

    def evaluation_session(self, target: Target, request: Request, like: Target | None = None) -> EvaluationSession:
        """Return the session of ``request``; ``target`` is its name, or an object that is run in this process.

        So is ``like``, by default what the request names.

        Raises WrongRequest, UnknownRule, OutOfDomain and TargetError, as ``certify`` does.
        """
        like = request.like if like is None else like
        for opened, its_like, its_request, session in self._sessions:
            if its_request == request and _same(opened, target) and _same(its_like, like):
                return session
        check_rule_or_reference(request)
        runner = self._runner(target, request)
        brought = request if like is None else with_reference(request, like, runner)
        session = EvaluationSession(brought, runner)
        self._sessions.append((target, like, request, session))
        return session

    def close(self) -> None:
        """End every worker."""
        self._open.close()

    def _runner(self, target: Target, request: Request) -> Runner:
        """Return what drives ``target``; the workers of all requests share one fork server."""
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


def _same(opened: Target | None, wanted: Target | None) -> bool:
    return opened is wanted or (isinstance(wanted, str) and opened == wanted)


def _request(arguments: CasesArguments) -> Request:
    return requested(
        target_name(arguments.target),
        rule=arguments.rule,
        like=None if arguments.like is None else target_name(arguments.like),
        modes=arguments.modes,
        dtypes=arguments.dtypes,
        devices=arguments.devices,
        fixed=arguments.fixed,
        map=arguments.map,
        profile=arguments.profile or "quick",
        seed=arguments.seed or 0,
        select=arguments.select or (),
        ignore=arguments.ignore or (),
    )
