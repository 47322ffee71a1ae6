"""Closures: ``step`` calls its closure once, before it updates parameters, and returns the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import STEPS_ON_GRADIENTS, steps_on_gradients
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, rejected, with_invocation
from stepcheck_reference.scripts.script import Script

CALLS, LOSS = "calls", "loss"
"""The outputs of a closure that is not called once, and of a loss that is not returned."""


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), "closure")
    script = ordinary(facts, seed, steps=4)
    mixed = tuple(replace(step, closure=number % 2 == 0) for number, step in enumerate(script.steps))
    yield replace(script, steps=mixed)


def _without_closures(script: Script, facts: Facts) -> ReferenceRun | None:
    if any(step.closure for step in script.steps):
        return ReferenceRun(replace(script, steps=tuple(replace(step, closure=False) for step in script.steps)))
    return plain_invocation("closure")(script, facts)


def _check_closure(evidence: Evidence) -> CheckOutcome:
    if rejected(evidence, kinds=("TypeError",), steps=1):
        return CheckOutcome(1)
    run, breaches = evidence.trajectory, list[Breach]()
    every = "closure" in evidence.script.invocation
    for step, calls in enumerate(run.calls[: run.steps], 1):
        expected = int(every or evidence.script.steps[step - 1].closure)
        if calls != expected:
            message = f"calls of the closure={calls}, but should be {expected}"
            breaches.append(
                Breach(
                    CALLS, 0, step, float("inf"), message, expression="len(calls)", expected_expression=str(expected)
                )
            )
            break
    for step, (returned, loss) in enumerate(zip(run.returned[: run.steps], run.losses, strict=False), 1):
        if returned != loss and loss == loss:
            message = f"returned={returned!r}, but should be {loss!r}, the closure's loss"
            expression = "returned is not None and float(returned)"
            breaches.append(
                Breach(LOSS, 0, step, float("inf"), message, expression=expression, expected_expression=repr(loss))
            )
            break
    outcome = equivalence(evidence, "the run without a closure", exact=True)
    return CheckOutcome(outcome.compared, (*breaches, *outcome.breaches))


CLOSURE = Law(
    code="SC233",
    title="a closure is called once and its loss is returned",
    sentence="step either accepts no closure, or calls it once, before the update and with gradients enabled, returns "
    "its loss, and makes an update that is bitwise identical to the one without a closure; a closure is not called in "
    "later steps.",
    source="torch.optim.Optimizer.step: closure reevaluates the model and returns the loss",
    since="0.2",
    applies=steps_on_gradients,
    check=_check_closure,
    condition=STEPS_ON_GRADIENTS,
    unit="reals",
    mathematics="""\
The rule's step is a function of one gradient: the one that the closure leaves in p.grad.""",
    remedy="""\
Begin step with `loss = None` and `if closure is not None: with torch.enable_grad(): loss = closure()`, and end it with
`return loss`. Read p.grad after the call, not before. A class that cannot use a closure should not accept one.""",
    example="""\
class SgdIgnoresClosure(torch.optim.Optimizer):
    def step(self, closure=None):                        # never called: gradients are those of the previous step
        ...""",
    scripts=_scripts,
    reference=_without_closures,
    about_api=True,
)
