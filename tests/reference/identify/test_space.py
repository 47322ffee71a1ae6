"""Each rule that is a variant is that variant, to 200 bits; other variants are not."""

from __future__ import annotations

import pytest

from stepcheck_reference import rules
from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify.evaluation.agreement import Trial, same, trajectory, trials
from stepcheck_reference.identify.evaluation.compiled_step import compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT
from stepcheck_reference.identify.variants.combinations import NAMED, divisors, fits, numerators
from stepcheck_reference.identify.variants.equations import Equations, of_rule, of_variant
from stepcheck_reference.identify.variants.naming import SPECIAL
from stepcheck_reference.identify.variants.variant import SLOTS, Variant

SYMBOLS = tuple(of_variant(Variant()).hyper.values())


def steps(equations: Equations) -> list[object]:
    """Return theta after each step of every trial, with hyper-parameters that depend on their slot alone."""
    values = {slot: CONTEXT.mpf(2 + index) / 17 for index, slot in enumerate(SLOTS)}
    hyper = {symbol: values[slot] for slot, symbol in equations.hyper.items()}
    step, start = compiled(equations.step), compiled(equations.init)
    found = []
    for trial in trials((), {}, None):
        each = [hyper] * len(trial.gradients)
        trace = trajectory(step, start, Trial(trial.begin, trial.gradients, each, trial.at))
        found += [point[theta] for point in trace]
    return found


def agree(left: Equations, right: Equations) -> bool:
    return all(same(one, other) for one, other in zip(steps(left), steps(right), strict=True))


NAMES = [*((name, variant, {}) for name, variant in NAMED.items()), *SPECIAL]


@pytest.mark.parametrize(("name", "variant", "fixed"), NAMES, ids=[name for name, _, _ in NAMES])
def test_a_named_variant_takes_the_steps_of_its_rule(name: str, variant: Variant, fixed: dict[str, int]) -> None:
    assert agree(of_variant(variant), of_rule(rules.find(name), fixed))


def test_variants_of_other_names_take_other_steps() -> None:
    assert not agree(of_variant(NAMED["adam"]), of_variant(NAMED["adam_eps_hat"]))
    assert not agree(of_variant(NAMED["amsgrad"]), of_variant(NAMED["amsgrad_corrected_max"]))


def test_the_space_is_a_product_of_choices() -> None:
    together = sum(fits(one, other, False) for one in numerators() for other in divisors())
    assert len(numerators()) > 40
    assert len(divisors()) > 300
    assert together > 10_000
