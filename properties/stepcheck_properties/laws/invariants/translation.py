"""Translation: states do not depend on the values of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.transformed_scripts import rescaled
from stepcheck_reference.alphabet import theta, weight_decay
from stepcheck_reference.facts import fixed, is_translation_invariant
from stepcheck_reference.facts.invariance import points_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script


def _states(rule: Rule) -> frozenset[str]:
    return frozenset(str(state) for state in (*rule.init, *rule.scalars))


def _states_depend_on_theta(rule: Rule) -> bool:
    return any(theta in rule.step[state].free_symbols for state in (*rule.init, *rule.scalars))


def _is_translation_invariant(facts: Facts) -> bool:
    rule = facts.rule
    decays = weight_decay in rule.hyper
    plain = fixed(rule, {weight_decay: 0}) if decays else rule
    decay_is_fixed = decays and _states_depend_on_theta(rule) and facts.fixed_hyper.get("weight_decay", 0.0)
    shown = _states(rule) & facts.observed_states
    if not shown or needs_objective(rule) or decay_is_fixed or points_of(plain):
        return False
    return is_translation_invariant(plain) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    if _states_depend_on_theta(facts.rule):
        yield ordinary(facts, seed, weight_decay=0.0)
    else:
        yield ordinary(facts, seed)


def _from_zero_parameters(script: Script, facts: Facts) -> ReferenceRun | None:
    if _states_depend_on_theta(facts.rule) and any(
        hyper.get("weight_decay", 0.0) for step in range(len(script.steps) + 1) for hyper in script.hyper_at(step)
    ):
        return None
    return ReferenceRun(rescaled(script, parameters=0.0))


def _check_states(evidence: Evidence) -> CheckOutcome:
    states = dict.fromkeys(sorted(_states(evidence.rule)), 1.0)

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return states

    return equivariance(evidence, "the run from parameters of 0", factors)


TRANSLATION_INVARIANCE = Law(
    code="SC307",
    title="states do not depend on parameters",
    sentence="Without a decay that is added to the gradient, a run from other parameters with the same gradients has "
    "bitwise the same states.",
    source="first-order rules: without decay theta enters its own equation alone, as theta - step",
    since="0.2",
    applies=_is_translation_invariant,
    check=_check_states,
    condition="steps without weight decay are proved not to depend on theta, states are shown, and none of them is a "
    "point; the rule takes its gradients at theta",
    unit="reals",
    mathematics="""\
If theta_t = theta - s(g_1, ..., g_t) and no state depends on theta, a shift of theta shifts the whole trajectory and
leaves states unchanged. A decoupled decay depends on theta, but affects only theta; a coupled one adds it to the
gradient. ASGD, whose state averages parameters, rules that keep a point to step from, and rules that scale a step by
the norm of theta do not have this property.""",
    remedy="""\
Find where the parameter's value enters a state: a decay that is documented as decoupled and added to the gradient, or
a gradient that is clipped or scaled by the parameter's size.""",
    example="""\
class AdamWThatIsNot(torch.optim.Optimizer):
    ...
    g = g + weight_decay * p                             # m and v now depend on the decay
    m.lerp_(g, 1 - beta1)""",
    scripts=_scripts,
    reference=_from_zero_parameters,
    theorem="translation_invariant_without_decay",
)
