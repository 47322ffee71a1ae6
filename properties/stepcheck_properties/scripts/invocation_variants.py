"""Another way: scripts done in other manners, and the plain ones that they are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepcheck_properties.law import Evidence, Facts, Twin
from stepcheck_reference.scripts.script import Script


def in_manners(script: Script, *manners: str) -> Script:
    """Return ``script`` done in ``manners``."""
    return replace(script, manners=manners)


def plainly(*manners: str) -> Callable[[Script, Facts], Twin | None]:
    """Return what makes the twin of a script that is done in any of ``manners``: the same script without them."""

    def twin(script: Script, facts: Facts) -> Twin | None:
        kept = tuple(manner for manner in script.manners if manner not in manners)
        return None if kept == script.manners else Twin(replace(script, manners=kept))

    return twin


def refused(evidence: Evidence, *, kinds: tuple[str, ...] = (), steps: int = 0) -> bool:
    """Whether the subject refused the manner: it raised, no later than in step ``steps``, and its twin did not.

    ``kinds`` are the exceptions that refuse in a step; at construction any does, and NotImplementedError does anywhere.
    """
    assert evidence.twin is not None
    fault, other = evidence.trajectory.fault, evidence.twin.trajectory.fault
    if fault is None or fault.kind != "raised" or (other is not None and other.step <= fault.step):
        return False
    name = fault.message.partition(":")[0]
    if name == "NotImplementedError":
        return True
    return fault.step <= steps and (fault.step == 0 or not kinds or name in kinds)
