"""Unification: what stands in step 1 where a later step has a state that step 1 has created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def starting_entries(data: Mapping[str, Any]) -> dict[str, int]:
    """Return the entry that each state is replaced by in step 1, by path; see ``reader.answer`` for ``data``.

    Steps run the same code as long as their comparisons come out alike, so that their expressions have the same form
    but for the values that they began with. A state that two values would have to replace is left out.
    """
    entries, first = data["entries"], data["paths"][0]
    found: dict[str, int] = {}
    for later in data["paths"][1:]:
        pairs, alike = [], len(first["conditions"]) == len(later["conditions"])
        for (one, truth), (other, truth_later) in zip(first["conditions"], later["conditions"], strict=False):
            pairs.append((one, other))
            if truth != truth_later:
                alike = False
                break
        if alike:
            pairs.append((first["theta"], later["theta"]))
            pairs += [(entry, later["held"][path]) for path, entry in first["held"].items() if path in later["held"]]
        replaced = _unified(entries, pairs)
        found |= {path: values.pop() for path, values in replaced.items() if len(values) == 1 and path not in found}
    return found


def _unified(entries: Sequence[Sequence[Any]], pairs: list[tuple[int, int]]) -> dict[str, set[int]]:
    """Return the entries on the left of ``pairs`` that stand where a state is on the right, by its path."""
    found: dict[str, set[int]] = {}
    seen: set[tuple[int, int]] = set()
    while pairs:
        pair = pairs.pop()
        if pair in seen:
            continue
        seen.add(pair)
        one, other = entries[pair[0]], entries[pair[1]]
        if other[:2] == ["symbol", "state"]:
            found.setdefault(other[2], set()).add(pair[0])
        elif one[0] == other[0] and len(one) == len(other) and one[0] not in ("number", "symbol"):
            start = 2 if one[0] == "opaque" else 1
            pairs += zip(one[start:], other[start:], strict=True)
    return found
