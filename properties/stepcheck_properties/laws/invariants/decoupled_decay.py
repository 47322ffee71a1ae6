"""Decoupled decay: it shrinks parameters before the step, and nothing else depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sympy import Integer, Rational, Symbol

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, ordinary
from stepcheck_properties.scripts.transformed_scripts import times
from stepcheck_reference.alphabet import lr, t, theta, weight_decay
from stepcheck_reference.facts import rest_factor
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script

RATE, DECAY = 1.0, 0.5
"""A learning rate and a decay that halve parameters, which rounds nothing."""


def _is_decoupled(rule: Rule) -> bool:
    """Whether the decay is a factor of theta, and of no state."""
    factor = rest_factor(rule)
    states = (*rule.init, *rule.scalars)
    return (
        factor is not None
        and weight_decay in factor.free_symbols
        and not any(rule.step[state].free_symbols & {theta, weight_decay} for state in states)
    )


def _can_be_decoupled(facts: Facts) -> bool:
    is_fixed = {str(lr), str(weight_decay)} & facts.fixed_hyper.keys()
    return (
        not is_fixed
        and _is_decoupled(facts.rule)
        and _shrinkage(facts.rule, {"lr": RATE, "weight_decay": DECAY}, 1) == 0.5
    )


def _shrinkage(rule: Rule, values: Mapping[str, float], count: int) -> float | None:
    """Return the factor by which the decay multiplies parameters in the ``count``-th step, None if it is no number."""
    factor = rest_factor(rule)
    assert factor is not None, "the decay is a factor"
    exact = {Symbol(name, real=True, nonnegative=True): Rational(value) for name, value in values.items()}
    number = factor.xreplace({**exact, t: Integer(count)})
    return float(number) if number.is_number else None


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, lr=RATE, weight_decay=DECAY)
    steps = tuple(
        replace(
            step,
            overwrite=tuple(
                (index, drawn(seed, "normal", "decoupling", number, index)) for index in range(len(script.tensors))
            ),
        )
        for number, step in enumerate(script.steps)
    )
    yield replace(script, steps=steps)


def _already_shrunk(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the run without decay in which parameters are halved before each step instead."""
    every = set(range(len(script.tensors)))
    changed = any(step.hyper or step.skip or step.reload or None in step.gradients for step in script.steps)
    if changed or any({index for index, _ in step.overwrite} != every for step in script.steps):
        return None
    hyper_of = {index: group.hyper for group in script.groups for index in group.tensors}
    steps = []
    for count, step in enumerate(script.steps, 1):
        factors = {index: _shrinkage(facts.rule, hyper_of[index], count) for index in every}
        if any(factor != 0.5 for factor in factors.values()):
            return None
        steps.append(replace(step, overwrite=tuple((index, times(data, 0.5)) for index, data in step.overwrite)))
    groups = tuple(replace(group, hyper={**group.hyper, str(weight_decay): 0.0}) for group in script.groups)
    return ReferenceRun(replace(script, groups=groups, steps=tuple(steps)))


def _check_decay(evidence: Evidence) -> CheckOutcome:
    rule = evidence.rule
    outputs = {THETA: 1.0, **{str(state): 1.0 for state in (*rule.init, *rule.scalars)}}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return outputs

    other = "the run without decay from parameters shrunk before the step"
    return equivariance(evidence, other, factors, rounded=(THETA,))


DECOUPLED_DECAY = Law(
    code="SC308",
    title="a decoupled decay only shrinks parameters",
    sentence="A step with decoupled decay gives the same parameters, within rounding, and bitwise the same states as a "
    "step without decay from parameters that were shrunk beforehand, whatever the gradients.",
    source="Loshchilov & Hutter 2019, section 2 and Algorithm 2, https://arxiv.org/abs/1711.05101",
    since="0.2",
    applies=_can_be_decoupled,
    check=_check_decay,
    condition="the decay is proved to be a factor of theta and in no state, and lr and weight_decay can be set",
    unit="reals",
    mathematics="""\
theta <- (1 - lr*weight_decay)*theta - step, and the step does not depend on theta: the contribution of the decay is
-lr*weight_decay*theta whatever the gradients. The L2 form adds weight_decay*theta to the gradient instead; its
contribution passes through the moments and is divided by sqrt(v), so that parameters with large gradients decay
less.""",
    remedy="""\
Multiply the parameter by 1 - lr*weight_decay separately from the step, and do not change the gradient. If the moments
depend on the decay, the rule is the L2 form and should be named so.""",
    example="""\
class AdamWFromABlog(torch.optim.Optimizer):
    ...
    g = p.grad + weight_decay * p                        # coupled, whatever the class is called""",
    scripts=_scripts,
    reference=_already_shrunk,
    theorem="decoupled_decay_is_decoupled",
)
