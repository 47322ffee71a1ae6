"""What an optimizer holds at the end of a run, held against what another holds."""

from __future__ import annotations

from stepcheck_properties.law import Breach, Evidence
from stepcheck_reference.scripts.trajectory import Entry

ENTRIES = "entries"
"""The output of an entry that is not what it should be."""


def unlike_entries(evidence: Evidence, what: str, *, buffers: bool = False) -> tuple[Breach, ...]:
    """Return the first entry at the end of a run that its twin has not, or has in another dtype, device or size.

    Nothing where either run did not finish; ``what`` names the twin's run in messages. With ``buffers`` only entries of
    more than one element count.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if first.fault is not None or second.fault is not None:
        return ()
    for index, held in enumerate(zip(first.entries, second.entries, strict=True)):
        ours, theirs = ({entry.key: entry for entry in each if entry.size > 1 or not buffers} for each in held)
        for key in dict.fromkeys((*theirs, *ours)):
            if ours.get(key) != theirs.get(key):
                return (_unlike(key, index, len(evidence.script.steps), ours.get(key), theirs.get(key), what),)
    return ()


def _unlike(key: str, index: int, step: int, ours: Entry | None, theirs: Entry | None, what: str) -> Breach:
    told = f"{key} of p{index}={_told(ours)}, but should be {_told(theirs)}, as {what} has it"
    entry = f"optimizer.state[p{index}].get({key!r})"
    expression, expected = f"{entry} is None", repr(theirs is None)
    if ours is not None and theirs is not None:
        expression, expected = f"{entry}.numel()", str(theirs.size)
        if ours.dtype != theirs.dtype:
            expression = f"getattr({entry}, 'dtype', None)"
            expected = f"torch.{theirs.dtype}" if theirs.dtype else "None"
        elif ours.device != theirs.device:
            expression, expected = f"{entry}.device.type", repr(theirs.device)
    return Breach(ENTRIES, index, step, float("inf"), told, expression=expression, expected_expression=expected)


def _told(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    return f"{entry.size} of {entry.dtype} on {entry.device}" if entry.dtype else "a number"
