"""Closures: ``step`` calls the closure that it is given once, before it steps, and returns its loss."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, refused, with_invocation
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

CALLS, LOSS = "calls", "loss"
"""The outputs of a closure that is called too often or not at all, and of a loss that is not returned."""


def _steps_by_gradients(facts: Facts) -> bool:
    return facts.interface == "torch" and facts.mode != "compiled" and not needs_objective(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), "closure")


def _called(evidence: Evidence) -> CheckOutcome:
    if refused(evidence, kinds=("TypeError",), steps=1):
        return CheckOutcome(1)
    run, told = evidence.trajectory, list[Breach]()
    for step, calls in enumerate(run.calls[: run.steps], 1):
        if calls != 1:
            message = f"calls of the closure={calls}, but should be 1"
            told.append(Breach(CALLS, 0, step, float("inf"), message, expression="len(calls)", expected_expression="1"))
            break
    for step, (returned, loss) in enumerate(zip(run.returned[: run.steps], run.losses, strict=False), 1):
        if returned != loss and loss == loss:
            message = f"returned={returned!r}, but should be {loss!r}, the closure's loss"
            expression = "returned is not None and float(returned)"
            told.append(
                Breach(LOSS, 0, step, float("inf"), message, expression=expression, expected_expression=repr(loss))
            )
            break
    same = equivalence(evidence, all_of(evidence), "the run without a closure", exact=True)
    return CheckOutcome(same.compared, (*told, *same.breaches))


CLOSURE = Law(
    code="SC233",
    title="a closure is called once, and its loss returned",
    sentence="step either takes no closure, or it calls the one it is given once, before it steps and with gradients "
    "enabled, returns its loss, and takes the step that it takes without one, bit by bit.",
    source="torch.optim.Optimizer.step: closure reevaluates the model and returns the loss",
    since="0.2",
    applies=_steps_by_gradients,
    check=_called,
    condition="the subject is built of parameter groups, its rule needs one gradient a step, and the mode is not "
    "compiled",
    unit="reals",
    mathematics="""\
The rule's step is a function of one gradient: the one that the closure leaves in p.grad.""",
    remedy="""\
Begin step with `loss = None`, then `if closure is not None: with torch.enable_grad(): loss = closure()`, and end it
with `return loss`. Read p.grad after that, not before. A class that can do nothing with a closure should take none.""",
    example="""\
class SgdIgnoresClosure(torch.optim.Optimizer):
    def step(self, closure=None):                        # never called: gradients are those of the step before
        ...""",
    scripts=_scripts,
    reference=plain_invocation("closure"),
    about_api=True,
)
