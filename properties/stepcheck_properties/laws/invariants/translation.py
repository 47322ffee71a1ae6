"""Translating: where parameters are is nothing that states know of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.rescaled import rescaled
from stepcheck_reference.alphabet import theta, weight_decay
from stepcheck_reference.facts import fixed, is_translation_invariant
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script


def _states(rule: Rule) -> frozenset[str]:
    return frozenset(str(state) for state in (*rule.init, *rule.scalars))


def _decay_is_in_states(rule: Rule) -> bool:
    return any(theta in rule.step[state].free_symbols for state in (*rule.init, *rule.scalars))


def _moves_along(facts: Facts) -> bool:
    rule = facts.rule
    decays = weight_decay in rule.hyper
    plain = fixed(rule, {weight_decay: 0}) if decays else rule
    held = decays and _decay_is_in_states(rule) and facts.fixed_hyper.get("weight_decay", 0.0)
    shown = _states(rule) & facts.observed_states
    return bool(shown) and not needs_objective(rule) and not held and is_translation_invariant(plain) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    if _decay_is_in_states(facts.rule):
        yield ordinary(facts, seed, weight_decay=0.0)
    else:
        yield ordinary(facts, seed)


def _at_zero(script: Script, facts: Facts) -> ReferenceRun | None:
    if _decay_is_in_states(facts.rule) and any(
        hyper.get("weight_decay", 0.0) for step in range(len(script.steps) + 1) for hyper in script.hyper_at(step)
    ):
        return None
    return ReferenceRun(rescaled(script, parameters=0.0))


def _same_states(evidence: Evidence) -> CheckOutcome:
    states = dict.fromkeys(sorted(_states(evidence.rule)), 1.0)

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return states

    return equivariance(evidence, "the run from parameters that are 0", factors)


TRANSLATION_INVARIANCE = Law(
    code="SC307",
    title="states do not depend on where parameters are",
    sentence="Without a decay that enters the gradient, a run from other parameters with the same gradients has "
    "the same states, to the bit.",
    source="first-order rules: without decay theta enters its own equation alone, as theta - step",
    since="0.2",
    applies=_moves_along,
    check=_same_states,
    condition="steps without weight decay are proved not to depend on where theta is, and states are shown; the "
    "rule takes its gradients at theta",
    unit="reals",
    mathematics="""\
Where theta_t = theta - s(g_1, ..., g_t) and no state reads theta, a shift of theta is a shift of the whole
trajectory, and states are the same numbers. A decoupled decay reads theta, but only for theta; a coupled one puts it
into the gradient. ASGD, whose state averages parameters, and rules that scale a step by the norm of theta do not
have it.""",
    remedy="""\
Find where the parameter's value enters a state: a decay that is added to the gradient although it was said to be
decoupled, a gradient that is clipped or scaled by the parameter's size.""",
    example="""\
class AdamWThatIsNot(torch.optim.Optimizer):
    ...
    g = g + weight_decay * p                             # now m and v hold the decay
    m.lerp_(g, 1 - beta1)""",
    scripts=_scripts,
    reference=_at_zero,
    theorem="translation_invariant_without_decay",
)
