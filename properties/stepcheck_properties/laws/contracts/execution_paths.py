"""Execution: a script runs to its end, in every mode and every time with the same result."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import PLAIN_MODE, Breach, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import EVERY_SUBJECT, always
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary, ordinary_script
from stepcheck_reference.scripts.script import Script


def _check_completion(evidence: Evidence) -> CheckOutcome:
    trajectory = evidence.trajectory
    fault = trajectory.fault
    if fault is None:
        return CheckOutcome(trajectory.steps)
    where = f"step {fault.step}" if fault.step else "construction"
    message = f"{where}={fault.kind}, but should be finished ({fault.message})"
    return CheckOutcome(trajectory.steps, (Breach(fault.kind, 0, fault.step, float("inf"), message),))


COMPLETION = Law(
    code="SC201",
    title="the script runs to its end",
    sentence="No step raises, crashes or hangs, and every parameter keeps its identity, shape and dtype.",
    source="torch.optim.Optimizer.step; ARCHITECTURE.md, Processes",
    since="0.1",
    applies=always,
    check=_check_completion,
    condition=EVERY_SUBJECT,
    unit="steps",
    mathematics="""\
Scripts consist of hyper-parameters inside the rule's domains, gradients of their parameter's shape and dtype
(or none), and calls that every optimizer offers, so each of them can be completed.""",
    remedy="""\
The message is the subject's own. Common causes: a state that is read before it exists because the parameter
had no gradient so far; an in-place operation that does not accept a 0-d, empty or non-contiguous tensor; a
state dict that lacks what __init__ creates; a loop that waits for a residual to become 0.""",
    example="""\
class MakesStateInTheConstructorOnly(torch.optim.Optimizer):
    ...
    state["exp_avg"].lerp_(p.grad, 1 - beta1)            # KeyError after load_state_dict""",
)


def _has_plain_mode(facts: Facts) -> bool:
    return facts.mode != PLAIN_MODE and PLAIN_MODE in facts.modes


def _mode_scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed, shapes=((5,), (2, 3), (), (33,)))


def _in_plain_mode(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(script, mode=PLAIN_MODE)


def _check_modes(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, f"mode {PLAIN_MODE}", exact=False)


MODES_AGREE = Law(
    code="SC202",
    title="every mode agrees with mode single",
    sentence="From equal parameters and states, every mode computes the parameters and states that mode single "
    "computes, within rounding.",
    source="torch.optim: foreach, fused, capturable and differentiable are implementations of one algorithm",
    since="0.2",
    applies=_has_plain_mode,
    check=_check_modes,
    condition="the mode is not single, and the subject has mode single too",
    unit="reals",
    mathematics="""\
Both runs start from the same parameters and get the same gradients. If they differ in a bit, both have to stay inside
their envelopes. The envelopes have one centre until the runs diverge, so the runs are no further apart than the sum of
their radii.""",
    remedy="""\
Run the script in both modes and print parameters and states after each step. The cause is what only one mode does, or
does in another order: a maximum that is not stored, a list that is truncated, a scalar that is read from the first
tensor only.""",
    example="""\
class AdamWhoseForeachForgetsTheMaximum(torch.optim.Optimizer):
    ...
    torch._foreach_maximum(max_exp_avg_sqs, exp_avg_sqs)     # returns the maxima without storing them""",
    scripts=_mode_scripts,
    reference=_in_plain_mode,
)


def _again(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(script)


def _check_repetition(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "a second, identical run", exact=True)


DETERMINISM = Law(
    code="SC211",
    title="two identical runs are bitwise identical",
    sentence="Two runs of one script, from the same state of torch's random number generators, have bitwise identical "
    "parameters and states.",
    source="https://docs.pytorch.org/docs/stable/notes/randomness.html; a rule is a function of state and gradient",
    since="0.2",
    applies=always,
    check=_check_repetition,
    condition=EVERY_SUBJECT,
    unit="reals",
    mathematics="""\
An update rule is a function of parameters, states and gradients, and rounding is a function too. Two identical runs can
therefore differ only by what is read from outside: the clock, an address, uninitialized memory, or random numbers from
a generator of the optimizer's own.""",
    remedy="""\
Look for memory from empty or empty_like that is read before it is written, a generator seeded by the clock, sums whose
order depends on which thread finishes first, and iteration orders that depend on sets or hashes.""",
    example="""\
class StartsFromUnwrittenMemory(torch.optim.Optimizer):
    ...
    state["exp_avg"] = torch.empty_like(p)               # zeros_like writes zeros""",
    scripts=ordinary_script,
    reference=_again,
)
