"""Gradient scaling: gradients times a power of two give steps times a power of it, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Integer, Rational, Symbol

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper, initial_hyper
from stepcheck_properties.scripts.from_zero import from_zero, is_from_zero, longest_adam_steps, same_sign_gradients
from stepcheck_properties.scripts.transformed_scripts import rescaled
from stepcheck_reference.alphabet import t, weight_decay
from stepcheck_reference.facts import Homogeneity, homogeneity
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script

FACTOR = 4.0
"""The factor of the gradients in the reference run."""

RECTIFIED_STEPS = 8
"""Steps after which RAdam is rectified at beta2 = 0.9, so that both of its branches are reached."""


def _scales(facts: Facts) -> bool:
    scaling = homogeneity(facts.rule)
    return (
        facts.interface != "wrapped"
        and scaling is not None
        and not any(facts.fixed_hyper.get(str(symbol), 0.0) for symbol in scaling.at_zero if symbol != weight_decay)
    )


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    scaling = homogeneity(facts.rule)
    assert scaling is not None, "the law applies"
    if scaling.degree is not None:
        yield longest_adam_steps(facts, seed, scaling)
        return
    zeros = {str(symbol): 0.0 for symbol in scaling.at_zero}
    hypers = [hyper(facts, 0, **{"beta2": 0.9, **zeros}), hyper(facts, 1, **zeros)]
    yield from_zero(facts, ((5,), ()), hypers, RECTIFIED_STEPS, same_sign_gradients(seed))


def _with_larger_gradients(script: Script, facts: Facts) -> ReferenceRun | None:
    scaling = homogeneity(facts.rule)
    if scaling is None or not is_from_zero(script) or not _at_zero(script, scaling):
        return None
    return ReferenceRun(rescaled(script, gradients=FACTOR))


def _at_zero(script: Script, scaling: Homogeneity) -> bool:
    """Whether everything that has to be 0 is 0, or a dtype's smallest normal number where 0 is a known issue.

    The decay does not have to be: it decays parameters that are 0.
    """
    smallest = {FORMATS[tensor.dtype].smallest_normal for tensor in script.tensors}
    return all(
        value == 0.0 or value in smallest
        for group in script.groups
        for value in (group.hyper.get(str(symbol), 0.0) for symbol in scaling.at_zero if symbol != weight_decay)
    )


def _degree(scaling: Homogeneity, values: Mapping[str, float], count: int) -> Rational | None:
    """Return the degree of a parameter's ``count``-th step in the scale of its gradients."""
    exact = {Symbol(name, real=True, nonnegative=True): Rational(value) for name, value in values.items()}
    for condition, degree in scaling.cases:
        if condition.xreplace({**exact, t: Integer(count)}) == True:  # noqa: E712
            return degree
    return None


def _check_scaling(evidence: Evidence) -> CheckOutcome:
    scaling = homogeneity(evidence.rule)
    assert scaling is not None, "the law applies"
    states = {str(state): FACTOR ** -float(degree) for state, degree in scaling.states.items()}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        degree = _degree(scaling, initial_hyper(evidence.script, tensor), step)
        return states if degree is None else {THETA: FACTOR ** -float(degree), **states}

    return equivariance(evidence, f"the run with gradients times {FACTOR:g}", factors)


GRADIENT_SCALING = Law(
    code="SC304",
    title="steps scale with the gradients as the rule's do",
    sentence="With every gradient multiplied by a power of two, from the first, nonzero ones on, each step and state "
    "is bitwise multiplied by the power of it that follows from the rule; a step of Adam or AdaGrad does not change.",
    source="Kingma & Ba 2015, section 2.1 (invariance to the scale of the gradient)",
    since="0.2",
    applies=_scales,
    check=_check_scaling,
    condition="steps are proved to scale if some hyper-parameters, such as eps, are 0, and these can be 0; the subject "
    "computes with torch's operations",
    unit="reals",
    mathematics="""\
With c*g for g, an average of gradients is multiplied by c, one of squares by c**2, and the quotient m/sqrt(v) does not
change. This needs eps = 0, because eps does not scale; no coupled decay, because it adds to g what does not scale; and
states that start from 0. A step of SGD is multiplied by c, those of Rprop and Lion never change, and RAdam's do not
change once it is rectified and are multiplied by c before. For c = 2**k, within range, every product, quotient, sum and
root in IEEE 754 arithmetic has the same significant bits.""",
    remedy="""\
Look for a number that does not scale with the gradient and is added to, compared with or clamped to something that
does: an eps that is there even at eps=0, a clipped gradient, a lower bound for the second moment.""",
    example="""\
class AdamWithFloor(torch.optim.Optimizer):
    ...
    denominator = v_hat.sqrt().clamp(min=1e-4) + eps     # a lower bound that does not scale""",
    scripts=_scripts,
    reference=_with_larger_gradients,
    theorem="scale_invariant_at_eps_0",
)
