"""Exact scripts: numbers that no step has to round: weights of 0, 1/2 or 3/4, and gradients of 2.

With numbers of few bits every product, sum, quotient and root on the way is a number of few bits too, in any order of
evaluation, so that what a rule comes to is one number and needs no radius. Which eps and which weights do that is
found by evaluating the rule in fractions (``exact_traces``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.exact_traces import constant_gradient_trace, dyadic
from stepcheck_properties.scripts.from_zero import from_zero
from stepcheck_reference.alphabet import theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Literal, Script

GRADIENT = 2.0
STEPS = 4
NARROWEST = "bfloat16"
"""The dtype of the fewest significant bits, 8: a number that it represents here is exact in every dtype."""

PLAIN_HYPER = {
    "lr": 1.0, "weight_decay": 0.0, "dampening": 0.0, "lr_decay": 0.0, "initial_accumulator": 0.0, "lambd": 0.0,
    "momentum": 0.5, "beta": 0.5, "rho": 0.75, "momentum_decay": 0.0, "alpha": 0.0, "t0": 8.0, "eps_root": 0.0,
}  # fmt: skip
"""Values at which a rule has no decay or damping, and a learning rate of 1."""

FIRST_STEP_HYPER = tuple(
    {"beta1": 0.5, "beta2": beta2, "eps": eps} for beta2 in (0.75, 0.5) for eps in (2.0, 1.0, 12.0, 0.0)
)
"""Weights and eps that are tried until the first step is exact in every dtype."""

ALL_STEPS_HYPER = tuple(
    {"beta1": beta1, "beta2": beta2, "eps": eps}
    for eps in (14.0, 252.0, 15.0)
    for beta1, beta2 in ((0.5, 0.0), (0.0, 0.5))
)
"""The same for all steps. A corrected root is rounded; an eps far above the gradient absorbs its last bits."""


def exact_script(facts: Facts) -> Script:
    """Return a script from zero whose gradients are all ``GRADIENT``, with a group for each choice of numbers.

    Where no choice is exact it has the first ones all the same: other laws look at states in it, which are.
    """
    chosen = [*(first_step_hyper(facts) or FIRST_STEP_HYPER[:1]), *(all_steps_hyper(facts) or ALL_STEPS_HYPER[:2])]
    hypers = list({_items(values): values for values in (_values(facts, numbers) for numbers in chosen)}.values())
    return from_zero(facts, ((2,),) * len(hypers), hypers, STEPS, lambda index, tensor, step: Literal((GRADIENT,)))


def first_step_hyper(facts: Facts) -> list[Mapping[str, float]]:
    """Return the first of ``FIRST_STEP_HYPER`` at which the first step is exact in every dtype, if there is one."""
    if needs_objective(facts.rule):
        return []
    exact = (one for one in FIRST_STEP_HYPER if _first_step_is_exact(facts.rule, _items(_values(facts, one))))
    return list(islice(exact, 1))


def all_steps_hyper(facts: Facts) -> list[Mapping[str, float]]:
    """Return those of ``ALL_STEPS_HYPER`` at which every step equals the first, which is exact in every dtype."""
    if needs_objective(facts.rule):
        return []
    exact = [one for one in ALL_STEPS_HYPER if _steps_are_constant(facts.rule, _items(_values(facts, one)))]
    first_of_weights: dict[tuple[float, float], Mapping[str, float]] = {}
    for one in reversed(exact):
        first_of_weights[one["beta1"], one["beta2"]] = one
    return list(first_of_weights.values())[::-1]


def _values(facts: Facts, numbers: Mapping[str, float]) -> dict[str, float]:
    return hyper(facts, 0, **{**PLAIN_HYPER, **numbers})


def _items(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(values.items())


@lru_cache(maxsize=1024)
def _first_step_is_exact(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    return bool(dyadic(constant_gradient_trace(rule, dict(values), GRADIENT, 1)[1][theta], NARROWEST))


@lru_cache(maxsize=1024)
def _steps_are_constant(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    if not _first_step_is_exact(rule, values):
        return False
    steps = {row[theta] for row in constant_gradient_trace(rule, dict(values), GRADIENT, STEPS)[1:]}
    return len(steps) == 1
