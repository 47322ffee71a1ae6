"""Numbers that an optimizer without an adapter holds, matched to the states of a rule by name and by value; no torch.

A state that is not found is not observed; nothing is assumed about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepcheck_implementations.driver.observing.state_path import last_name
from stepcheck_implementations.matching.aliases import COUNT_ALIASES, STATE_ALIASES
from stepcheck_implementations.matching.claim import Claim, Rows, RuleTrace
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_reference.suggest import did_you_mean

NEXT_STEP = 1
"""The offset of a counter that holds the number of the step to come."""
_SAME_WITHIN = 2.0**-12
"""The relative distance within which two programs are taken to have computed the same number: a bfloat16 or float16
state of the same values passes, and the probe's numbers are farther apart. It identifies a state and judges nothing."""


@dataclass(frozen=True, slots=True)
class StateLeaf:
    """A number or tensor that a subject holds: one row a step of the probe, ``scalar`` where it is one number.

    ``own`` says that each tensor has one of its own: a counter that all share cannot show that a tensor had no
    gradient.
    """

    rows: Rows
    scalar: bool
    own: bool = True


@dataclass(frozen=True, slots=True)
class Identified:
    """States by alphabet name, and the path of each; ``count`` is the path of the step counter.

    ``count_offset`` is what it shows beyond the number of steps taken.
    """

    states: Mapping[str, str]
    count: str | None
    count_offset: int = 0


def identify(
    claim: Claim, trace: RuleTrace, leaves: Mapping[str, StateLeaf], *, named_by_hand: bool = False
) -> Identified:
    """Return where the states of ``claim`` are among ``leaves``, which are by path.

    An alias with the rule's values is preferred, then any name with these values, then an alias alone: its values are
    wrong, which a law will report. A step counter has to be each tensor's own. With ``named_by_hand`` nothing was
    observed, and the user's mapping is used unchecked; otherwise NoMatch is raised for a mapping to an unknown path.
    """
    paths_by_state: dict[str, str] = {}
    count: str | None = None
    for name, path in claim.maps.items():
        if name in claim.initial or name in ("count", "t"):
            if path not in leaves and not named_by_hand:
                raise NoMatch(
                    f"map={name}={path}, but it holds {', '.join(leaves) or 'nothing'}{did_you_mean(path, leaves)}"
                )
            if name in ("count", "t"):
                count = path
            else:
                paths_by_state[name] = path
    named = {name: _named(STATE_ALIASES.get(name, (name,)), name in claim.scalars, leaves) for name in claim.initial}
    same = {
        name: [path for path in leaves if _has_rule_values(claim, trace, name, leaves[path])] for name in claim.initial
    }
    for paths in (
        {name: [path for path in named[name] if path in same[name]] for name in named},
        same,
        named,
    ):
        for name in claim.initial:
            free = [path for path in paths[name] if path not in paths_by_state.values()]
            if name not in paths_by_state and free:
                paths_by_state[name] = free[0]
    if count is None:
        own = {path: leaf for path, leaf in leaves.items() if path not in paths_by_state.values() and leaf.own}
        counting = [path for path, leaf in own.items() if _counts_steps(leaf)]
        named_counts = _named(COUNT_ALIASES, True, own)
        wanted = [path for path in named_counts if path in counting] or counting
        count = next(iter(wanted or named_counts), None)
    states = {name: paths_by_state[name] for name in claim.initial if name in paths_by_state}
    counter = None if count is None else leaves.get(count)
    ahead = counter is not None and not _counts_steps(counter) and _counts_steps(counter, NEXT_STEP)
    return Identified(states, count, NEXT_STEP if ahead else 0)


def _named(aliases: Sequence[str], scalar: bool, leaves: Mapping[str, StateLeaf]) -> list[str]:
    """Return the paths whose name is an alias and whose kind fits, the most telling first."""
    return [
        path
        for alias in aliases
        for path, leaf in leaves.items()
        if leaf.scalar is scalar and last_name(path) in (alias, f"{alias}s", f"_{alias}")
    ]


def _has_rule_values(claim: Claim, trace: RuleTrace, name: str, leaf: StateLeaf) -> bool:
    """Whether ``leaf`` holds what the rule's state ``name`` is after every step of the probe."""
    rows = trace.states.get(name, ())
    if not rows or leaf.scalar is not (name in claim.scalars):
        return False
    return same_rows(rows[: len(leaf.rows)], leaf.rows)


def same_rows(expected: Rows, observed: Rows) -> bool:
    """Whether every number of ``observed`` is the one expected; rows may have the first tensors alone."""
    pairs = [pair for rows in zip(expected, observed, strict=False) for pair in zip(*rows, strict=False)]
    return len(expected) == len(observed) and all(_is_same_number(one, other) for one, other in pairs)


def _is_same_number(one: float, other: float) -> bool:
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.isfinite(one) is math.isfinite(other)
    return abs(one - other) <= _SAME_WITHIN * max(abs(one), abs(other))


def _counts_steps(leaf: StateLeaf, offset: int = 0) -> bool:
    return leaf.scalar and all(set(row) == {float(step + offset)} for step, row in enumerate(leaf.rows, 1))
