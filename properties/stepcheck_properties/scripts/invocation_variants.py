"""Invocation variants: scripts that call the optimizer in another way, and the plain calls to compare them with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepcheck_properties.law import Evidence, Facts, ReferenceRun
from stepcheck_reference.scripts.script import Script


def with_invocation(script: Script, *variants: str) -> Script:
    """Return ``script`` with the invocation ``variants``."""
    return replace(script, invocation=variants)


def plain_invocation(*variants: str) -> Callable[[Script, Facts], ReferenceRun | None]:
    """Return what makes the reference run of a script with any of ``variants``: the same script without them."""

    def reference(script: Script, facts: Facts) -> ReferenceRun | None:
        rest = tuple(variant for variant in script.invocation if variant not in variants)
        return None if rest == script.invocation else ReferenceRun(replace(script, invocation=rest))

    return reference


def rejected(evidence: Evidence, *, kinds: tuple[str, ...] = (), steps: int = 0) -> bool:
    """Whether the subject rejected the variant: it raised, no later than in step ``steps``, and the reference did not.

    At construction any exception rejects, in a step one of ``kinds`` (default: any); NotImplementedError always does.
    """
    assert evidence.reference is not None
    fault, other = evidence.trajectory.fault, evidence.reference.trajectory.fault
    if fault is None or fault.kind != "raised" or (other is not None and other.step <= fault.step):
        return False
    name = fault.message.partition(":")[0]
    if name == "NotImplementedError":
        return True
    return fault.step <= steps and (fault.step == 0 or not kinds or name in kinds)
