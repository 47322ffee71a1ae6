"""Halves: scripts in numbers that no step has to round: weights of 0, a half or three quarters, and gradients of 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.exact_traces import course, dyadic
from stepcheck_properties.scripts.from_zero import from_zero
from stepcheck_reference.alphabet import theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Literal, Script

GRADIENT = 2.0
STEPS = 4
NARROWEST = "bfloat16"

NOTHING = {
    "lr": 1.0, "weight_decay": 0.0, "dampening": 0.0, "lr_decay": 0.0, "initial_accumulator": 0.0, "lambd": 0.0,
    "momentum": 0.5, "beta": 0.5, "rho": 0.75, "momentum_decay": 0.0, "alpha": 0.0, "t0": 8.0, "eps_root": 0.0,
}  # fmt: skip
"""Values that leave a rule plain, its rate 1."""

FIRST = tuple({"beta1": 0.5, "beta2": beta2, "eps": eps} for beta2 in (0.75, 0.5) for eps in (2.0, 1.0, 12.0, 0.0))
"""Weights and eps that are tried, until the first step is a number that every format holds."""

LATER = tuple(
    {"beta1": beta1, "beta2": beta2, "eps": eps}
    for eps in (14.0, 252.0, 15.0)
    for beta1, beta2 in ((0.5, 0.0), (0.0, 0.5))
)
"""The same for all steps: an eps far above the gradient hides the last bits of a root that has been corrected."""


def halves(facts: Facts) -> Script:
    """Return a script from zero whose gradients are all ``GRADIENT``, in a group for each choice of numbers."""
    chosen = [*(first_numbers(facts) or FIRST[:1]), *(later_numbers(facts) or LATER[:2])]
    hypers = list({_items(values): values for values in (_values(facts, numbers) for numbers in chosen)}.values())
    return from_zero(facts, ((2,),) * len(hypers), hypers, STEPS, lambda index, tensor, step: Literal((GRADIENT,)))


def first_numbers(facts: Facts) -> list[Mapping[str, float]]:
    """Return the first of ``FIRST`` at which the first step is a number that every format holds, if there is one."""
    found = (
        one for one in FIRST if not needs_objective(facts.rule) and _first(facts.rule, _items(_values(facts, one)))
    )
    return [one for one, _ in zip(found, range(1), strict=False)]


def later_numbers(facts: Facts) -> list[Mapping[str, float]]:
    """Return those of ``LATER`` at which every step equals the first, a number that every format holds."""
    if needs_objective(facts.rule):
        return []
    found = [one for one in LATER if _constant(facts.rule, _items(_values(facts, one)))]
    return _different(found)


def _different(found: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """Return the first of ``found`` with each pair of weights."""
    return list({(one["beta1"], one["beta2"]): one for one in reversed(found)}.values())[::-1]


def _values(facts: Facts, numbers: Mapping[str, float]) -> dict[str, float]:
    return hyper(facts, 0, **{**NOTHING, **numbers})


def _items(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(values.items())


@lru_cache(maxsize=1024)
def _first(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    return bool(dyadic(course(rule, dict(values), GRADIENT, 1)[1][theta], NARROWEST))


@lru_cache(maxsize=1024)
def _constant(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    if not _first(rule, values):
        return False
    steps = {held[theta] for held in course(rule, dict(values), GRADIENT, STEPS)[1:]}
    return len(steps) == 1
