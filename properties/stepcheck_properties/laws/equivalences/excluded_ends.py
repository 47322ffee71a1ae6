"""Excluded ends: where the domain of a rule ends because it is another rule there, the subject follows that one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.equivalences.special_cases import check_other_rule
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

REFUSALS = ("ValueError", "TypeError", "NotImplementedError")
"""Exceptions by which a class refuses the value, which is outside the rule's domain, at construction or in step 1."""


@cache
def excluded_ends(rule: Rule) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Return each hyper-parameter whose domain excludes 0, those that are 0 with it, and the rule it then is."""
    ends = []
    for symbol, domain in rule.domains.items():
        if domain.reduces_to:
            ends.append((str(symbol), domain.others_at_zero, "+".join((domain.reduces_to, *rule.rewrites))))
    return tuple(ends)


def _possible(facts: Facts) -> list[tuple[tuple[str, ...], str]]:
    """Return the hyper-parameters to set to 0, and the rule it is then, for each end that the cell allows."""
    if needs_objective(facts.rule):
        return []
    return [
        ((name, *others), other)
        for name, others, other in excluded_ends(facts.rule)
        if name in facts.accepted_hyper
        and name not in facts.fixed_hyper
        and not any(facts.fixed_hyper.get(symbol, 0.0) for symbol in others)
    ]


def _applies(facts: Facts) -> bool:
    return bool(_possible(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    for names, _ in _possible(facts):
        script, zeros = ordinary(facts, seed), dict.fromkeys(names, 0.0)
        yield replace(script, groups=tuple(replace(g, hyper={**g.hyper, **zeros}) for g in script.groups))


def _other_rule(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the same run, judged by the rule that this one is at the script's hyper-parameters."""
    hypers = [hyper for step in range(len(script.steps) + 1) for hyper in script.hyper_at(step)]
    for names, other in _possible(facts):
        if all(hyper.get(name) == 0.0 for hyper in hypers for name in names):
            return ReferenceRun(script, rule=find(other))
    return None


def _check(evidence: Evidence) -> CheckOutcome:
    fault = evidence.trajectory.fault
    early = fault is not None and fault.kind == "raised" and fault.step <= 1
    if early and fault is not None and fault.message.partition(":")[0] in REFUSALS:
        return CheckOutcome(1)
    return check_other_rule(evidence)


EXCLUDED_END = Law(
    code="SC262",
    title="without a buffer, the subject follows the rule that has none",
    sentence="With a hyper-parameter at 0 that the rule's domain excludes because the rule has no buffer there, as "
    "momentum at 0 is SGD, the subject refuses it, or every parameter lies inside the envelope of the other rule.",
    source="torch.optim.SGD and RMSprop: momentum (float, optional, default 0); the domains of the rules",
    since="0.2",
    applies=_applies,
    check=_check,
    condition="the rule's domain excludes a 0 at which it is another rule, and the subject accepts the hyper-parameter",
    unit="elements at steps",
    mathematics="""\
The buffer of momentum at 0 is the gradient, so that the step is that of SGD. Code that keeps the buffer multiplies it
by 0, which rounds nothing, and code that has none computes SGD.""",
    remedy="""\
0 is a value, not a missing one: look for "momentum or 0.9", for a buffer that is not updated any more but still read,
and for a branch that forgets what the other one does.""",
    example="""\
class MomentumOfItsOwn(torch.optim.Optimizer):
    ...
    momentum = group["momentum"] or 0.9                  # 0 is falsy""",
    scripts=_scripts,
    reference=_other_rule,
    about_api=True,
)
