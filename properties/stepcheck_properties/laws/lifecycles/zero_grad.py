"""zero_grad: every gradient is None afterwards, or zero in the memory that it had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import rejected
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

CALLS = ("plain", "plain", "zeros", "none", "plain")
"""How gradients are reset before each step; those with an argument come last, for classes that do not accept it."""


def _has_zero_grad(facts: Facts) -> bool:
    return "zero_grad" in facts.offers and facts.mode != "compiled" and not needs_objective(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, steps=len(CALLS))
    steps = [replace(step, zero_grad=how) for step, how in zip(script.steps, CALLS, strict=True)]
    steps[1] = replace(steps[1], gradients=(None, *steps[1].gradients[1:]))
    yield replace(script, steps=tuple(steps))


def _without_zero_grad(script: Script, facts: Facts) -> ReferenceRun | None:
    if not any(step.zero_grad for step in script.steps):
        return None
    return ReferenceRun(replace(script, steps=tuple(replace(step, zero_grad="") for step in script.steps)))


def _check_zero_grad(evidence: Evidence) -> CheckOutcome:
    if rejected(evidence, kinds=("TypeError",), steps=len(evidence.script.steps)):
        return CheckOutcome(1)
    return equivalence(evidence, "the run without zero_grad", exact=True)


ZERO_GRAD = Law(
    code="SC246",
    title="zero_grad resets every gradient and nothing else",
    sentence="After zero_grad() the gradient of every parameter is None, or zero in the same memory; after "
    "zero_grad(set_to_none=True) it is None, after zero_grad(set_to_none=False) zero in the same memory if there was "
    "one; and the run is bitwise identical to the one without these calls.",
    source="torch.optim.Optimizer.zero_grad",
    since="0.2",
    applies=_has_zero_grad,
    check=_check_zero_grad,
    condition="the subject has zero_grad, its rule needs one gradient per step, and the mode is not compiled",
    unit="reals",
    mathematics="""\
Gradients are added to what p.grad has. What is left of a step in one parameter is part of the next step's gradient.""",
    remedy="""\
Leave zero_grad to torch.optim.Optimizer. One of your own has to go over all groups, skip parameters whose gradient is
None, and leave state and hyper-parameters alone.""",
    example="""\
class SgdResetsItsFirstGroup(torch.optim.SGD):
    def zero_grad(self, set_to_none=True):
        for p in self.param_groups[0]["params"]:         # and the other groups?
            p.grad = None""",
    scripts=_scripts,
    reference=_without_zero_grad,
    about_api=True,
)
