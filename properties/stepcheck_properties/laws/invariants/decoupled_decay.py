"""Decoupling: a decoupled decay shrinks parameters first, and nothing else knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sympy import Integer, Rational, Symbol

from stepcheck_properties.compare.equivariance import THETA, equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, ordinary
from stepcheck_properties.scripts.rescaled import times
from stepcheck_reference.alphabet import lr, t, theta, weight_decay
from stepcheck_reference.facts import rest_factor
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script

RATE, DECAY = 1.0, 0.5
"""A learning rate and a decay that halve parameters."""


def _is_apart(rule: Rule) -> bool:
    """Whether the decay is a factor of theta, and of no state."""
    factor = rest_factor(rule)
    states = (*rule.init, *rule.scalars)
    return (
        factor is not None
        and weight_decay in factor.free_symbols
        and not any(rule.step[state].free_symbols & {theta, weight_decay} for state in states)
    )


def _decays_apart(facts: Facts) -> bool:
    held = {str(lr), str(weight_decay)} & facts.fixed_hyper.keys()
    return not held and _is_apart(facts.rule) and _shrinkage(facts.rule, {"lr": RATE, "weight_decay": DECAY}, 1) == 0.5


def _shrinkage(rule: Rule, values: Mapping[str, float], count: int) -> float | None:
    """Return what the decay multiplies parameters by in the ``count``-th step, None where that is no number."""
    factor = rest_factor(rule)
    assert factor is not None, "the decay is a factor"
    known = {Symbol(name, real=True, nonnegative=True): Rational(value) for name, value in values.items()}
    number = factor.xreplace({**known, t: Integer(count)})
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
    """Return the run without decay from parameters that are halved before each step instead."""
    every = set(range(len(script.tensors)))
    changed = any(step.hyper or step.skip or step.reload or None in step.gradients for step in script.steps)
    if changed or any({index for index, _ in step.overwrite} != every for step in script.steps):
        return None
    group_of = {index: group.hyper for group in script.groups for index in group.tensors}
    steps = []
    for count, step in enumerate(script.steps, 1):
        factors = {index: _shrinkage(facts.rule, group_of[index], count) for index in every}
        if any(factor != 0.5 for factor in factors.values()):
            return None
        steps.append(replace(step, overwrite=tuple((index, times(data, 0.5)) for index, data in step.overwrite)))
    groups = tuple(replace(group, hyper={**group.hyper, str(weight_decay): 0.0}) for group in script.groups)
    return ReferenceRun(replace(script, groups=groups, steps=tuple(steps)))


def _apart(evidence: Evidence) -> CheckOutcome:
    rule = evidence.rule
    outputs = {THETA: 1.0, **{str(state): 1.0 for state in (*rule.init, *rule.scalars)}}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return outputs

    what = "the run without decay from parameters shrunk beforehand"
    return equivariance(evidence, what, factors, loosely=(THETA,))


DECOUPLED_DECAY = Law(
    code="SC308",
    title="a decoupled decay shrinks parameters and does nothing else",
    sentence="A step with decoupled decay comes to the states, to the bit, and to within rounding to the "
    "parameters of one without it from parameters that have been shrunk beforehand, whatever the gradients.",
    source="Loshchilov & Hutter 2019, section 2 and Algorithm 2, https://arxiv.org/abs/1711.05101",
    since="0.2",
    applies=_decays_apart,
    check=_apart,
    condition="the decay is proved to be a factor of theta and in no state, and lr and weight_decay can be set",
    unit="reals",
    mathematics="""\
theta <- (1 - lr*weight_decay)*theta - step, and the step knows nothing of theta: the decay's part is
-lr*weight_decay*theta whatever the gradients. The L2 form adds weight_decay*theta to the gradient instead; its part
goes through the moments and is divided by sqrt(v), so that what has large gradients decays less.""",
    remedy="""\
Multiply the parameter by 1 - lr*weight_decay before, or beside, the step, and leave the gradient alone. If the decay
is in the moments, the rule is the L2 form, and says so in its name.""",
    example="""\
class AdamWFromABlog(torch.optim.Optimizer):
    ...
    g = p.grad + weight_decay * p                        # coupled, whatever the class is called""",
    scripts=_scripts,
    reference=_already_shrunk,
    theorem="decoupled_decay_is_apart",
)
