"""Bringing a rule: what a request brings with it is made known by its name, before anything asks for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stepcheck.certification.references.brought_rules import brought_rule
from stepcheck.certification.references.reference_record import Reference
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters import libraries
from stepcheck_reference.rule_names import is_place


def check_rule_or_reference(request: Request) -> None:
    """Raise WrongRequest where what ``request`` names as rule or reference can be seen to be none; no code is run.

    A rule in a file is loaded, so that ``find`` returns it. Raises UnknownRule and RewriteError, too.
    """
    from stepcheck.certification.references.rule_files import check_rule
    from stepcheck_reference.rules import UnknownRule, find

    if request.rule is not None:
        check_rule(request.rule)
    like = request.like
    if like is None:
        return
    if members := libraries.members(like):
        raise WrongRequest(f"like={like}, but that is a library; name one class of it, as in {members[0].target}")
    if not is_place(like):
        try:
            find(like)
        except (UnknownRule, ValueError):
            raise WrongRequest(
                f"like={like}, but should be a class or an update function, as package.module.Name, "
                f"package.module:Name or path/file.py:Name"
            ) from None
        raise WrongRequest(f"like={like}, but that is a rule and no code; --as {like} holds the target to it")


def with_reference(
    request: Request, like: str | Callable[..., Any], runner: Runner, *, verified: bool = True
) -> Request:
    """Return ``request`` with the rule that the code of ``like`` computes; see ``reference_reading.bring``.

    ``runner`` runs the target, and a reference that is named, unless it runs in this process.
    """
    from stepcheck.certification.references.reference_reading import bring

    if not isinstance(like, str):
        from stepcheck_implementations.workers.in_process import InProcess

        bring(request, InProcess(like), runner, verified=verified)
    elif runner.isolated:
        bring(request, runner, runner, verified=verified)
    else:
        from stepcheck_implementations.workers.pool import Workers

        with Workers() as workers:
            bring(request, workers, runner, verified=verified)
    return replace(request, rule=request.like)


def record_of(rule: str | None) -> Reference | None:
    """Return the record of ``rule`` where the request has brought it."""
    brought = brought_rule(rule)
    return None if brought is None else brought.record
