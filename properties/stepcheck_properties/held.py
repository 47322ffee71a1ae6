"""What an optimizer holds at the end of a run, held against another's."""

from __future__ import annotations

from stepcheck_properties.law import Breach, Counterpart, Evidence
from stepcheck_reference.trajectory import Entry

ENTRIES, MEMORY = "entries", "memory"
"""The outputs of an entry that is not what it should be, and of more elements than there should be."""


def same_entries(evidence: Evidence, what: str) -> list[Breach]:
    """Return where the entries at the end of a run are others than its twin's: keys, dtypes, devices and sizes.

    Nothing where either run did not finish; ``what`` names the twin's run in messages.
    """
    assert evidence.twin is not None
    first, second = evidence.trajectory, evidence.twin.trajectory
    if first.fault is not None or second.fault is not None:
        return []
    for index, (ours, theirs) in enumerate(zip(first.entries, second.entries, strict=True)):
        one, other = ({entry.key: entry for entry in held} for held in (ours, theirs))
        for key in dict.fromkeys((*other, *one)):
            if one.get(key) != other.get(key):
                told = (
                    f"{key} of p{index}={_told(one.get(key))}, but should be {_told(other.get(key))}, as {what} has it"
                )
                steps = (len(evidence.script.steps), len(evidence.twin.script.steps))
                return [Breach(ENTRIES, index, steps[0], float("inf"), told, None, Counterpart(index, steps[1], 0))]
    return []


def _told(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    return f"{entry.dtype} on {entry.device}, {entry.size} elements" if entry.dtype else "a number"
