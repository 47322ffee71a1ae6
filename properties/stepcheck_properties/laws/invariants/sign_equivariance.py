"""Sign equivariance: negated parameters and gradients give negated parameters."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.scripts.baseline_scripts import ordinary_script
from stepcheck_properties.scripts.transformed_scripts import rescaled
from stepcheck_reference.facts import is_sign_equivariant, odd_states
from stepcheck_reference.scripts.script import Script


def _is_sign_equivariant(facts: Facts) -> bool:
    return facts.interface != "wrapped" and is_sign_equivariant(facts.rule) is True


def _negated(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(rescaled(script, gradients=-1.0, parameters=-1.0))


def _check_sign(evidence: Evidence) -> CheckOutcome:
    states = {str(state): -1.0 if odd else 1.0 for state, odd in odd_states(evidence.rule).items()}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return {THETA: -1.0, **states}

    return equivariance(evidence, "the run with negated parameters and gradients", factors)


SIGN_EQUIVARIANCE = Law(
    code="SC305",
    title="negated parameters and gradients give negated parameters",
    sentence="With negated initial parameters and gradients, every parameter is bitwise negated after each step, and "
    "every state negated or equal.",
    source="every published rule is odd in (theta, g): no direction is preferred",
    since="0.2",
    applies=_is_sign_equivariant,
    check=_check_sign,
    condition="the rule is proved to be odd in parameters and gradients; the subject computes with torch's operations",
    unit="reals",
    mathematics="""\
An average of gradients is odd, one of squares even, and the step, odd over even, is odd; so is the decay. Rounding to
nearest is symmetric about 0, so the floating-point step is odd to the last bit.""",
    remedy="""\
Look for what treats the two signs differently: a clamp on one side, a comparison that counts 0 with one of them, a
missing absolute value, truncation of negative numbers.""",
    example="""\
class SgdClippedFromAbove(torch.optim.Optimizer):
    ...
    p.sub_(lr * g.clamp(max=1.0))                        # gradients below -1 are not clipped""",
    scripts=ordinary_script,
    reference=_negated,
    theorem="sign_equivariant",
)
