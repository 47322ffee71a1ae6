"""Edge cases: the scripts that past bugs needed, enumerated for one rule, dtype and profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import CURVATURE
from stepcheck_properties.scripts.edge_cases import lifecycle_cases, memory_cases, size_cases, tensor_cases, value_cases
from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs, EdgeCase
from stepcheck_properties.strategies.scripts import companions_of
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Quadratic

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule

ALL: tuple[Builder, ...] = (
    tensor_cases.TWO_GROUPS,
    tensor_cases.MIXED_DTYPES,
    lifecycle_cases.MISSING_GRADIENTS,
    value_cases.SHRINKING_GRADIENTS,
    value_cases.ZEROS_AND_SUBNORMALS,
    value_cases.EPSILONS,
    value_cases.ENDS_OF_DOMAINS,
    value_cases.ZERO_RATE,
    size_cases.MANY_STEPS,
    size_cases.LONG_RUN,
    tensor_cases.LAYOUTS,
    lifecycle_cases.OVERWRITTEN,
    lifecycle_cases.RELOADED,
    lifecycle_cases.SCHEDULED,
    lifecycle_cases.HYPER_CHANGED,
    value_cases.TURNING_SIGNS,
    value_cases.SHORT_MEMORY,
    memory_cases.GRADIENT_LAYOUTS,
    memory_cases.MANY_TENSORS,
    memory_cases.ONLY_EMPTY,
    memory_cases.LARGE_TENSOR,
    size_cases.BULK,
)
"""All edge cases in the order in which they are tried: of equal failures the first one found is reported."""


def edge_cases(
    *,
    rule: Rule,
    dtype: str,
    profile: Profile,
    seed: int = 0,
    fixed_hyper: Mapping[str, float] | None = None,
    companions: Collection[str] = (),
) -> tuple[EdgeCase, ...]:
    """Return the edge cases of one cell, the same for the same arguments.

    ``fixed_hyper`` fixes hyper-parameters, and leaves out edge cases that would vary them alone; ``companions`` are
    dtypes that other tensors of a script may have besides ``dtype``. Raises ValueError for an unknown dtype.
    """
    if dtype not in FORMATS:
        raise ValueError(f"dtype={dtype!r}, but should be one of {', '.join(FORMATS)}")
    return _edge_cases(rule, dtype, companions_of(dtype, companions), profile, seed, tuple((fixed_hyper or {}).items()))


@lru_cache(maxsize=4)
def _edge_cases(
    rule: Rule,
    dtype: str,
    companions: tuple[str, ...],
    profile: Profile,
    seed: int,
    fixed_hyper: tuple[tuple[str, float], ...],
) -> tuple[EdgeCase, ...]:
    """Return the edge cases, which the modes of a configuration share."""
    cell = CellInputs(rule, dtype, companions, profile, seed, dict(fixed_hyper))
    objective = Quadratic(CURVATURE) if needs_objective(rule) else None
    return tuple(
        EdgeCase(entry.name, entry.sentence, replace(entry.build(cell), label=entry.name, objective=objective))
        for entry in ALL
        if entry.applies(cell)
    )
