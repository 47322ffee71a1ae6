"""Mirroring: opposite parameters and gradients lead to the opposite parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepcheck_properties.compare.equivariance import THETA, equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.rescaled import rescaled
from stepcheck_reference.facts import is_sign_equivariant, odd_states
from stepcheck_reference.scripts.script import Script


def _mirrors(facts: Facts) -> bool:
    return facts.interface != "wrapped" and is_sign_equivariant(facts.rule) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _mirrored(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(rescaled(script, gradients=-1.0, parameters=-1.0))


def _opposite(evidence: Evidence) -> CheckOutcome:
    states = {str(state): -1.0 if odd else 1.0 for state, odd in odd_states(evidence.rule).items()}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return {THETA: -1.0, **states}

    return equivariance(evidence, "the run with opposite parameters and gradients", factors)


SIGN_EQUIVARIANCE = Law(
    code="SC305",
    title="opposite parameters and gradients lead to opposite parameters",
    sentence="With the opposite parameters at first and the opposite gradients, every parameter is the opposite "
    "after each step, and every state the opposite or the same, to the bit.",
    source="every published rule is odd in (theta, g): no direction is preferred",
    since="0.2",
    applies=_mirrors,
    check=_opposite,
    condition="the rule is proved to change its sign with parameters and gradients; the subject computes with "
    "torch's operations",
    unit="reals",
    mathematics="""\
An average of gradients is odd, one of squares even, and the step, odd over even, is odd; so is the decay. Rounding
to nearest is symmetric about 0, so that the floating point step is odd to the last bit.""",
    remedy="""\
Look for what treats the two signs differently: a clamp from one side, a comparison that puts 0 on one of them, an
absolute value that is missing, truncation of a negative number.""",
    example="""\
class SgdClippedFromAbove(torch.optim.Optimizer):
    ...
    p.sub_(lr * g.clamp(max=1.0))                        # what about gradients below -1?""",
    scripts=_scripts,
    reference=_mirrored,
    theorem="sign_equivariant",
)
