"""Moves on numbers: simpler gradients, parameters and hyper-parameters."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_properties.shrink.search import SINGLE_STEPS, Search
from stepcheck_properties.shrink.simple_numbers import ONE, ZERO, complexity, rounded, simpler_data
from stepcheck_properties.shrink.smaller_scripts import datum, locations, with_datum
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of, typical_values
from stepcheck_reference.scripts.script import Literal


def simplify_data(search: Search) -> None:
    """Replace gradients, initial and overwritten parameters by simpler numbers."""
    _use_one_gradient(search)
    all_locations = list(locations(search.script))
    if len(all_locations) > SINGLE_STEPS * 2:
        all_locations = all_locations[:2] + all_locations[-2:]
    for location in all_locations:
        for number in simpler_data(datum(search.script, location)):
            if search.attempt(with_datum(search.script, location, number)):
                break


def _use_one_gradient(search: Search) -> None:
    """Use one number as every gradient."""
    gradients = [data for step in search.script.steps for data in step.gradients if data is not None]
    if len(gradients) < 2 or all(data == gradients[0] for data in gradients):
        return
    single = [data for data in gradients if isinstance(data, Literal) and len(data.values) == 1]
    script = search.script
    search.first(
        replace(
            script,
            steps=tuple(
                replace(step, gradients=tuple(None if data is None else choice for data in step.gradients))
                for step in script.steps
            ),
        )
        for choice in [ONE, *single[-1:], ZERO]
    )


def simplify_hyper(search: Search) -> None:
    """Replace hyper-parameters by simpler values of their domains, in every group."""
    domains = domains_of(search.harness.rule)
    for number in range(len(search.script.groups)):
        for name in search.script.groups[number].hyper:
            if name in search.fixed_hyper or name not in domains:
                continue
            domain, value = domains[name], search.script.groups[number].hyper[name]
            choices = {1.0, 0.5, *typical_values(name, domain)[:3], *rounded(value)}
            simpler = sorted(
                (one for one in choices if complexity(one) < complexity(value) and contains(domain, one)),
                key=complexity,
            )
            for choice in simpler:
                groups = list(search.script.groups)
                groups[number] = replace(groups[number], hyper={**groups[number].hyper, name: choice})
                if search.attempt(replace(search.script, groups=tuple(groups))):
                    break
