"""Scaling: gradients times a power of two lead to steps times a power of it, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Integer, Rational, Symbol

from stepcheck_properties.compare.equivariance import THETA, equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.from_zero import from_zero, group_of, is_from_zero
from stepcheck_properties.scripts.growing_gradients import growing, varying
from stepcheck_properties.scripts.rescaled import rescaled
from stepcheck_reference.alphabet import t, weight_decay
from stepcheck_reference.facts import Homogeneity, homogeneity
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script

FACTOR = 4.0
"""What the twin's gradients are multiplied by."""

LONG = 8
"""Steps until a rectified rule is rectified, at the beta2 it is given here."""


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
        yield growing(facts, seed, scaling)
        return
    zeros = {str(symbol): 0.0 for symbol in scaling.at_zero}
    hypers = [hyper(facts, 0, **{"beta2": 0.9, **zeros}), hyper(facts, 1, **zeros)]
    yield from_zero(facts, ((5,), ()), hypers, LONG, varying(seed))


def _times_four(script: Script, facts: Facts) -> ReferenceRun | None:
    scaling = homogeneity(facts.rule)
    if scaling is None or not is_from_zero(script) or not _at_zero(script, scaling):
        return None
    return ReferenceRun(rescaled(script, gradients=FACTOR))


def _at_zero(script: Script, scaling: Homogeneity) -> bool:
    """Whether what has to be 0 is; a format's smallest normal number stands for it where 0 is known to fail.

    The decay does not have to be: it decays parameters that are 0.
    """
    smallest = {FORMATS[tensor.dtype].smallest_normal for tensor in script.tensors}
    return all(
        value == 0.0 or value in smallest
        for group in script.groups
        for value in (group.hyper.get(str(symbol), 0.0) for symbol in scaling.at_zero if symbol != weight_decay)
    )


def _degree(scaling: Homogeneity, values: Mapping[str, float], count: int) -> Rational | None:
    """Return the degree of the step that is the ``count``-th of its parameter."""
    known = {Symbol(name, real=True, nonnegative=True): Rational(value) for name, value in values.items()}
    for condition, degree in scaling.cases:
        if condition.xreplace({**known, t: Integer(count)}) == True:  # noqa: E712
            return degree
    return None


def _scaled(evidence: Evidence) -> CheckOutcome:
    scaling = homogeneity(evidence.rule)
    assert scaling is not None, "the law applies"
    states = {str(state): FACTOR ** -float(degree) for state, degree in scaling.states.items()}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        degree = _degree(scaling, group_of(evidence.script, tensor), step)
        return states if degree is None else {THETA: FACTOR ** -float(degree), **states}

    return equivariance(evidence, f"the run with gradients times {FACTOR:g}", factors)


GRADIENT_SCALING = Law(
    code="SC304",
    title="steps scale with the gradients as the rule's do",
    sentence="With every gradient times a power of two, from the first, nonzero ones on, each step and state is "
    "times the power of it that the rule says, to the bit: a step of Adam or AdaGrad is the same.",
    source="Kingma & Ba 2015, section 2.1 (invariance to the scale of the gradient)",
    since="0.2",
    applies=_scales,
    check=_scaled,
    condition="steps are proved to scale where some hyper-parameters are 0, as eps, and these can be 0; the "
    "subject computes with torch's operations",
    unit="reals",
    mathematics="""\
Where g becomes c*g, an average of gradients becomes c times, one of squares c**2 times, and their quotient m/sqrt(v)
is the same. That takes eps = 0, or eps would not scale; no coupled decay, which adds what does not scale to g; and
states that start from 0. SGD's step is times c, Rprop's and Lion's always the same, and RAdam's the same only once
it is rectified: before, it is times c. For c = 2**k, within range, every product, quotient, sum and root of an IEEE
754 arithmetic has the same significant bits.""",
    remedy="""\
Look for a number that is added, compared or clamped to and does not scale with the gradient: an eps that is there
even at eps=0, a clipped gradient, a floor below the second moment.""",
    example="""\
class AdamWithFloor(torch.optim.Optimizer):
    ...
    denominator = v_hat.sqrt().clamp(min=1e-4) + eps     # a floor that does not scale""",
    scripts=_scripts,
    reference=_times_four,
    theorem="scale_invariant_at_eps_0",
)
