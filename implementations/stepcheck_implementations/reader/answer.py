"""Answer: a reading as plain data, with what was not followed marked as such."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from stepcheck_implementations.driver.observing.state_path import last_name
from stepcheck_implementations.matching.claim import PROBE_HYPER
from stepcheck_implementations.reader.argument_names import letters_for
from stepcheck_implementations.reader.carried_numbers import bare
from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.read_subject import Construction
from stepcheck_implementations.reader.reading_run import PlainRun, ReadRun

NOT_FOLLOWED = "a number whose origin was not followed"
"""The function that a number stands for which changes with hyper-parameters, and carries none."""


def answer(
    target: str,
    construction: Construction,
    plain: PlainRun,
    run: ReadRun,
    other: ReadRun | None,
    *,
    changed: bool,
) -> dict[str, Any]:
    """Return a reading as JSON values.

    "entries" is the expression graph; "paths" has for each step "t", "theta", "held" (path to entry), "conditions"
    (entry and truth) and "opaque"; "init" maps a path to what it held before step 1, "first" to what its memory held
    when it was first written. "hyper" maps a symbol to its "slot" and "value", "states" a path to "scalar", the
    "format" that it is kept in and "letters". "changed" lists what ended in other bits than in a run that is not read,
    where two of those end in the same: nothing, unless the reader is wrong. "takes", "wrapper", "counters" and "fixed"
    say how it was built; "meant"
    are the symbols whose names tell what they mean, "formats" the number formats that the code converts to by name.
    """
    lost = _lost(run, other) if other is not None else set()
    entries = [list(entry) for entry in run.graph.entries]
    for number in lost:
        entries[number] = ["opaque", NOT_FOLLOWED]
    paths = []
    for step in run.steps:
        opaque = list(step.opaque)
        if lost & _reached(entries, [step.theta, *step.held.values()]):
            opaque.append(NOT_FOLLOWED)
        paths.append(
            {
                "t": step.t,
                "theta": step.theta,
                "held": dict(step.held),
                "conditions": [list(condition) for condition in step.conditions],
                "opaque": opaque,
            }
        )
    differing = sorted(name for name in {*plain.bits, *run.bits} if plain.bits.get(name) != run.bits.get(name))
    return {
        "target": target,
        "entries": entries,
        "paths": paths,
        "init": dict(run.init),
        "first": dict(run.first),
        "hyper": {
            construction.symbols[slot]: {"slot": slot, "value": bare(value)}
            for slot, value in construction.numbers.items()
        },
        "states": {
            path: {
                "name": name,
                "scalar": path in plain.scalar,
                "letters": letters_for(path),
                "format": _format(plain.bits.get(path)),
                "at": path if construction.takes == "groups" or not plain.has_groups else _explicit(path),
            }
            for path, name in _names(plain.states).items()
        },
        "counters": dict(plain.counters),
        "takes": construction.takes,
        "wrapper": construction.wrapper,
        "formats": sorted(run.graph.formats),
        "meant": sorted(name for name in construction.symbols.values() if name in PROBE_HYPER),
        "source": construction.source,
        "fixed": {name: _json(value) for name, value in construction.fixed.items()},
        "held_at": dict(construction.held),
        "changed": differing if changed else [],
    }


def _names(paths: Sequence[str]) -> dict[str, str]:
    """Return a short name for each path that no other has: its last part, or all of its words."""
    last = [last_name(path) for path in paths]
    words = ["_".join(re.findall(r"\w+", path)) for path in paths]
    names = [name if name and last.count(name) == 1 else long for name, long in zip(last, words, strict=True)]
    return dict(zip(paths, (name.strip("_") or "state" for name in names), strict=True))


def _explicit(path: str) -> str:
    """Return ``path`` from an optimizer's attributes, for one that is built a group or a tensor at a time."""
    if path.startswith("group."):
        return f".param_groups[0]['{path.removeprefix('group.')}']"
    key, bracket, rest = path.partition("[")
    return path if path.startswith(".") else f".state[p]['{key}']{bracket}{rest}"


def _json(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) or value is None else repr(value)


def _reached(entries: list[list[Any]], roots: list[int]) -> set[int]:
    """Return the entries that ``roots`` are made of."""
    reached: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number in reached:
            continue
        reached.add(number)
        operator, *operands = entries[number]
        if operator not in ("number", "symbol"):
            waiting += operands[1:] if operator == "opaque" else operands
    return reached


def _lost(run: ReadRun, other: ReadRun) -> set[int]:
    """Return the literals of ``run`` that are other literals in ``other``, which took the same path."""
    lost: set[int] = set()
    for one, two in zip(run.steps, other.steps, strict=True):
        if [truth for _, truth in one.conditions] != [truth for _, truth in two.conditions]:
            continue
        pairs = [(one.theta, two.theta)]
        pairs += [(entry, two.held[path]) for path, entry in one.held.items() if path in two.held]
        lost |= _differing(run.graph, other.graph, pairs)
    return lost


def _differing(graph: ExpressionGraph, second: ExpressionGraph, pairs: list[tuple[int, int]]) -> set[int]:
    """Return the entries below the first of each pair that are not the same as at the same place below the second."""
    seen: set[tuple[int, int]] = set()
    differing: set[int] = set()
    while pairs:
        pair = pairs.pop()
        if pair in seen:
            continue
        seen.add(pair)
        one, two = graph.entries[pair[0]], second.entries[pair[1]]
        if one[0] != two[0] or len(one) != len(two) or one[0] in ("number", "symbol"):
            if one != two:
                differing.add(pair[0])
            continue
        skip = 2 if one[0] == "opaque" else 1
        pairs += list(zip(one[skip:], two[skip:], strict=True))
    return differing


def _format(bits: object) -> str:
    """Return the number format of a state whose ``bits`` are those of tensors, "" of another."""
    first = bits[0] if isinstance(bits, list) and bits else None
    return str(first[0]).removeprefix("torch.") if isinstance(first, tuple) and len(first) == 2 else ""
