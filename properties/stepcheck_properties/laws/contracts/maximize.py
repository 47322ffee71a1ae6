"""Maximizing: to maximize is to minimize along the negated gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Literal, Script

OPTION = "maximize"


def _can_do_both(facts: Facts) -> bool:
    rewrites = facts.rule.rewrites
    return rewrites[-1:] == (MAXIMIZE.name,) and OPTION in facts.arguments and not needs_objective(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _negated(data: Data) -> Data:
    if isinstance(data, Literal):
        return Literal(tuple(-value for value in data.values))
    return replace(data, scale=-data.scale, specials=tuple((index, -value) for index, value in data.specials))


def _minimizing(script: Script, facts: Facts) -> ReferenceRun:
    steps = tuple(
        replace(step, gradients=tuple(None if data is None else _negated(data) for data in step.gradients))
        for step in script.steps
    )
    rule = find(facts.rule.name.removesuffix(f"+{MAXIMIZE.name}"))
    return ReferenceRun(replace(script, steps=steps), options={OPTION: False}, rule=rule)


def _as_minimizing(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "minimizing along the negated gradients", exact=False)


MAXIMIZE_NEGATES_GRADIENTS = Law(
    code="SC210",
    title="to maximize is to minimize along the negated gradient",
    sentence="With maximize=True, parameters and states go where they go with maximize=False and every gradient "
    "negated, "
    "to within rounding.",
    source="torch.optim, maximize: maximize the objective with respect to the params, instead of minimizing",
    since="0.2",
    applies=_can_do_both,
    check=_as_minimizing,
    condition="the rule is maximized, and the constructor takes maximize",
    unit="reals",
    mathematics="""\
The maximum of L is the minimum of -L, whose gradient is -g. Negation rounds nothing. Weight decay is no part of L: it
pulls parameters toward 0 in both, so that the gradient is negated first and decayed then.""",
    remedy="""\
Negate the gradient before anything else is done with it. A sign that is turned in the step alone leaves the averages of
g where those of -g belong, and turns a coupled decay into growth.""",
    example="""\
class NegatesAfterDecay(torch.optim.Optimizer):
    ...
    g = p.grad + weight_decay * p
    g = -g if maximize else g                            # the decay is negated with it""",
    scripts=_scripts,
    reference=_minimizing,
)
