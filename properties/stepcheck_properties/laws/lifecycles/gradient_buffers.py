"""Gradient buffers: what a user does with a gradient's memory after a step has no effect."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import COMPUTES_IN_TORCH, computes_in_torch
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.script import Script

VARIANTS = ("reused_gradient", "spoiled_gradient")


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), *VARIANTS)
    for variant in () if profile.name == "quick" else VARIANTS:
        yield with_invocation(ordinary(facts, seed), variant)


def _check_not_aliased(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the run whose gradients are left alone", exact=True)


GRADIENT_NOT_ALIASED = Law(
    code="SC237",
    title="parameters and states do not alias the gradient",
    sentence="After a step neither parameters nor states share memory with the gradient: it may be overwritten, or "
    "reused for the next gradient, without any effect.",
    source="torch.optim.Optimizer.zero_grad(set_to_none=False) writes zeros into it; torch.autograd adds to it",
    since="0.2",
    applies=computes_in_torch,
    check=_check_not_aliased,
    condition=COMPUTES_IN_TORCH,
    unit="reals",
    mathematics="""\
A new state is a function of the old one and the gradient: a number that was computed in the step, not memory that is
read later.""",
    remedy="""\
Clone the gradient before you store it: state["prev"] = p.grad stores the user's own tensor. It is overlooked most often
in the first step, in which the buffer is the gradient.""",
    example="""\
class MomentumKeepsFirstGradient(torch.optim.Optimizer):
    ...
    state["momentum_buffer"] = p.grad                    # should be a clone""",
    scripts=_scripts,
    reference=plain_invocation(*VARIANTS),
    about_api=True,
)
