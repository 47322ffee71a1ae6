"""Effective arguments: on the law's script every hyper-parameter of every rule has an effect."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import lambdify

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.contracts.effective_arguments import EFFECTIVE_HYPER_PARAMETERS, WIDTH
from stepcheck_properties.profile import QUICK
from stepcheck_properties.strategies.hyper_parameters import domains_of
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.formats import BFLOAT16
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

SEEDS = range(2)


def trace(rule: Rule, script: Script, index: int) -> np.ndarray:
    """Return theta and the states after every step, in binary64."""
    values = {symbol: script.groups[index].hyper[symbol.name] for symbol in rule.hyper} | dict(rule.constants)
    names = (theta, *rule.init, *rule.scalars)
    step_of = lambdify([*names, g, t, *values], [unwrapped(rule.step[name]) for name in names], "numpy")
    state = [expand(script.tensors[index].initial, WIDTH, "float32")]
    for start in (*rule.init.values(), *rule.scalars.values()):
        state.append(np.full(WIDTH, float(start.subs(values))))
    rows = []
    with np.errstate(all="ignore"):
        for number, step in enumerate(script.steps, 1):
            data = step.gradients[index]
            assert data is not None
            new = step_of(*state, expand(data, WIDTH, "float32"), float(number), *values.values())
            state = [np.broadcast_to(np.asarray(entry, float), (WIDTH,)) for entry in new]
            rows.append(np.array(state))
    return np.array(rows)


@pytest.mark.parametrize(
    "name", [rule.name for rule in ALL if not needs_objective(rule)] + ["adagrad+lr_decay", "nadam+coupled_decay"]
)
def test_every_hyper_parameter_separates_two_tensors_by_more_than_bfloat16_rounds(name: str) -> None:
    rule = find(name)
    facts = Facts(rule, accepted_hyper=frozenset(domains_of(rule)))
    for seed in SEEDS:
        assert EFFECTIVE_HYPER_PARAMETERS.scripts is not None
        (script,) = EFFECTIVE_HYPER_PARAMETERS.scripts(facts, QUICK, seed)
        first = trace(rule, script, 0)
        for index, hyper in enumerate(domains_of(rule), 1):
            other = trace(rule, script, index)
            with np.errstate(all="ignore"):
                difference = np.abs(first - other) / np.maximum(np.abs(first), np.abs(other))
            assert np.nanmax(difference) > 4 * BFLOAT16.unit_roundoff, hyper
