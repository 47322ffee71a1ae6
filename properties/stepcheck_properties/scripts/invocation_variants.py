"""Another way: scripts done in other manners, and the plain ones that they are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepcheck_properties.law import Evidence, Facts, ReferenceRun
from stepcheck_reference.scripts.script import Script


def with_invocation(script: Script, *invocation: str) -> Script:
    """Return ``script`` done in ``invocation``."""
    return replace(script, invocation=invocation)


def plain_invocation(*invocation: str) -> Callable[[Script, Facts], ReferenceRun | None]:
    """Return what makes the twin of a script that is done in any of ``invocation``: the same script without them."""

    def reference(script: Script, facts: Facts) -> ReferenceRun | None:
        kept = tuple(variant for variant in script.invocation if variant not in invocation)
        return None if kept == script.invocation else ReferenceRun(replace(script, invocation=kept))

    return reference


def refused(evidence: Evidence, *, kinds: tuple[str, ...] = (), steps: int = 0) -> bool:
    """Whether the subject refused the manner: it raised, no later than in step ``steps``, and its twin did not.

    ``kinds`` are the exceptions that refuse in a step; at construction any does, and NotImplementedError does anywhere.
    """
    assert evidence.reference is not None
    fault, other = evidence.trajectory.fault, evidence.reference.trajectory.fault
    if fault is None or fault.kind != "raised" or (other is not None and other.step <= fault.step):
        return False
    name = fault.message.partition(":")[0]
    if name == "NotImplementedError":
        return True
    return fault.step <= steps and (fault.step == 0 or not kinds or name in kinds)
