"""Variants: the ways through code that compute something else, each with what tells it from the others."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Entries = Sequence[Sequence[Any]]
Condition = tuple[int, bool] | None
"""An entry and its truth; None is the first step."""

_EXACT: Mapping[str, Callable[..., float]] = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
"""What Python does with counts before the reader sees a count in them."""


class NotOrdered(ValueError):
    """Code whose own order of operations cannot be bounded; the message says why."""


class TooNarrow(NotOrdered):
    """Code that holds something in fewer bits than its tensors have."""


def variants(entries: Entries, paths: Sequence[Mapping[str, Any]], state: str | None) -> list[tuple[Condition, int]]:
    """Return the new values of ``state`` (None: of theta), each with the condition that it is taken under.

    The last is the general one, whose condition is not asked. Raises NotOrdered where nothing tells two apart.
    """

    def output(path: Mapping[str, Any]) -> int | None:
        entry = path["theta"] if state is None else path["held"].get(state)
        return None if entry is None else int(entry)

    def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        left, right = output(one), output(other)
        if left is None or right is None:
            return left == right
        return left == right or same_form(entries, left, right, one["t"])

    groups: list[list[Mapping[str, Any]]] = [[paths[-1]]]
    for path in reversed(paths[:-1]):
        group = next((group for group in groups if alike(path, group[0])), None)
        if group is None:
            groups.append([path])
        else:
            group.append(path)
    found: list[tuple[Condition, int]] = []
    for number in range(len(groups) - 1, 0, -1):
        members, others = groups[number], [path for group in groups[:number] for path in group]
        condition = _distinguishing(entries, members, others)
        entry = output(members[0])
        if entry is None:
            raise NotOrdered("a step does not write every state")
        found.append((condition, entry))
    general = output(paths[-1])
    if general is None:
        raise NotOrdered("a state that the last step does not have")
    return [*found, (None, general)]


def _distinguishing(
    entries: Entries, members: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> Condition:
    """Return what holds on the paths ``members``, the latest first, and on none of ``others``."""

    def found(path: Mapping[str, Any], entry: int, truth: bool) -> bool:
        return any(
            bool(met) == truth and (number == entry or same_form(entries, number, entry, path["t"]))
            for number, met in path["conditions"]
        )

    for entry, truth in members[0]["conditions"]:
        holds = all(found(path, entry, bool(truth)) for path in members)
        if holds and all(found(path, entry, not truth) for path in others):
            return int(entry), bool(truth)
    if [path["t"] for path in members] == [1] and all(path["t"] != 1 for path in others):
        return None
    raise NotOrdered("steps differ, and no comparison that the code makes says why")


def same_form(entries: Entries, one: int, other: int, t: int) -> bool:
    """Whether entry ``one`` of step ``t`` is ``other`` of a general step, where each state had the value it began with.

    That may be any expression, but the same wherever the state is.
    """
    began: dict[str, int] = {}
    seen: set[tuple[int, int]] = set()
    pairs = [(one, other)]
    while pairs:
        pair = pairs.pop()
        if pair in seen or pair[0] == pair[1]:
            continue
        seen.add(pair)
        left, right = entries[pair[0]], entries[pair[1]]
        if list(right[:2]) == ["symbol", "state"]:
            if began.setdefault(right[2], pair[0]) != pair[0]:
                return False
            continue
        if left[0] == "number":
            if float(left[1]) != _at(entries, pair[1], t):
                return False
            continue
        if left[0] != right[0] or len(left) != len(right) or left[0] in ("symbol", "opaque"):
            return False
        pairs += zip(left[1:], right[1:], strict=True)
    return True


def _at(entries: Entries, number: int, t: int) -> float | None:
    """Return what an entry of numbers and t alone is at step ``t``, None for another."""
    name, *operands = entries[number]
    if name == "number":
        return float(operands[0])
    if name == "symbol":
        return float(t) if operands[0] == "t" else None
    if name not in _EXACT:
        return None
    values = [_at(entries, operand, t) for operand in operands]
    known = [value for value in values if value is not None]
    return _EXACT[name](*known) if len(known) == len(values) else None


def count_shift(entries: Entries, number: int) -> int | None:
    """Return k where an entry is t + k, None where it is something else."""
    name, *operands = entries[number]
    if name == "symbol":
        return 0 if operands[0] == "t" else None
    if name in ("round float32", "round float64"):  # exact below 2**24
        return count_shift(entries, operands[0])
    if name not in ("add", "sub"):
        return None
    parts = [(count_shift(entries, operand), _integer(entries, operand)) for operand in operands]
    (first, first_number), (second, second_number) = parts
    if first is not None and second_number is not None:
        return first + second_number if name == "add" else first - second_number
    if second is not None and first_number is not None and name == "add":
        return second + first_number
    return None


def _integer(entries: Entries, number: int) -> int | None:
    name, *operands = entries[number]
    if name != "number" or not float(operands[0]).is_integer():
        return None
    return int(float(operands[0]))
