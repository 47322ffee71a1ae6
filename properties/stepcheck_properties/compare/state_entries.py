"""Entries of an optimizer's state at the end of two runs: the same keys, dtypes, devices and sizes."""

from __future__ import annotations

from stepcheck_properties.law import Breach, Evidence
from stepcheck_reference.scripts.trajectory import Entry

ENTRIES = "entries"
"""The output of a state entry that differs."""


def entry_differences(evidence: Evidence, other: str, *, buffers_only: bool = False) -> tuple[Breach, ...]:
    """Return the first state entry that the reference run lacks, or has in another dtype, device or size.

    Nothing is compared where either run did not finish; ``other`` names the reference run in messages. With
    ``buffers_only`` entries of a single element do not count.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if first.fault is not None or second.fault is not None:
        return ()
    for index, pair in enumerate(zip(first.entries, second.entries, strict=True)):
        observed, expected = (
            {entry.key: entry for entry in entries if entry.size > 1 or not buffers_only} for entries in pair
        )
        for key in dict.fromkeys((*expected, *observed)):
            if observed.get(key) != expected.get(key):
                last = len(evidence.script.steps)
                return (_difference(key, index, last, observed.get(key), expected.get(key), other),)
    return ()


def _difference(key: str, index: int, step: int, observed: Entry | None, expected: Entry | None, other: str) -> Breach:
    message = f"{key} of p{index}={_described(observed)}, but should be {_described(expected)}, as in {other}"
    entry = f"optimizer.state[p{index}].get({key!r})"
    expression, value = f"{entry} is None", repr(expected is None)
    if observed is not None and expected is not None:
        expression, value = f"{entry}.numel()", str(expected.size)
        if observed.dtype != expected.dtype:
            expression = f"getattr({entry}, 'dtype', None)"
            value = f"torch.{expected.dtype}" if expected.dtype else "None"
        elif observed.device != expected.device:
            expression, value = f"{entry}.device.type", repr(expected.device)
    return Breach(ENTRIES, index, step, float("inf"), message, expression=expression, expected_expression=value)


def _described(entry: Entry | None) -> str:
    if entry is None:
        return "missing"
    if not entry.dtype:
        return "a number"
    return f"{entry.size} {'element' if entry.size == 1 else 'elements'} of {entry.dtype} on {entry.device}"
