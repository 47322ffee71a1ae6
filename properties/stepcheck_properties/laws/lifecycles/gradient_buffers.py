"""Gradient memory: what a user does with a gradient's memory after the step has no effect."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.script import Script

INVOCATIONS = ("reused_gradient", "spoiled_gradient")


def _computes_in_torch(facts: Facts) -> bool:
    return facts.interface != "wrapped" and facts.mode != "compiled"


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), *INVOCATIONS)
    for variant in () if profile.name == "quick" else INVOCATIONS:
        yield with_invocation(ordinary(facts, seed), variant)


def _untouched(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "the run whose gradients stay as they were", exact=True)


GRADIENT_NOT_ALIASED = Law(
    code="SC237",
    title="nothing aliases the gradient's memory",
    sentence="Once a step is over, neither parameters nor states share memory with the gradient: it may be "
    "overwritten, and used for the next gradient, without any effect.",
    source="torch.optim.Optimizer.zero_grad(set_to_none=False) writes zeros into it; torch.autograd adds to it",
    since="0.2",
    applies=_computes_in_torch,
    check=_untouched,
    condition="the subject computes in torch, and the mode is not compiled",
    unit="reals",
    mathematics="""\
A new state is a function of the old one and the gradient: a number that was computed at the step, not a place that is
read later.""",
    remedy="""\
Clone the gradient before it is kept: state["prev"] = p.grad is the user's own tensor. The first step is where it is
overlooked, where the buffer is the gradient.""",
    example="""\
class MomentumKeepsFirstGradient(torch.optim.Optimizer):
    ...
    state["momentum_buffer"] = p.grad                    # a clone is missing""",
    scripts=_scripts,
    reference=plain_invocation(*INVOCATIONS),
    about_api=True,
)
