"""Rates: a learning rate means the same in a tensor, from a scheduler, and as a number in the group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, refused, with_invocation
from stepcheck_reference.scripts.script import Script

TENSORS = ("tensor_lr", "one_element_lr", "viewed_lr")
LATER = (0.0625, 0.3)
"""Learning rates of two groups from the last step on: one that every format holds, and one that none does."""


def _takes_a_rate(facts: Facts) -> bool:
    there = any(symbol.name == "lr" for symbol in facts.rule.hyper) and "lr" in facts.accepted_hyper
    movable = "lr" not in facts.fixed_hyper and "lr" not in facts.constant_hyper
    return facts.interface == "torch" and facts.mode != "compiled" and there and movable


def _changing(facts: Facts, seed: int) -> Script:
    """Return an ordinary script whose learning rates change before the last step."""
    script = ordinary(facts, seed)
    last = replace(script.steps[-1], hyper=tuple((group, "lr", rate) for group, rate in enumerate(LATER)))
    return replace(script, steps=(*script.steps[:-1], last))


def _tensors(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    for kind in TENSORS[:1] if profile.name == "quick" else TENSORS:
        yield with_invocation(_changing(facts, seed), kind)


def _scheduled(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(_changing(facts, seed), "scheduler")


def _as_numbers(evidence: Evidence) -> CheckOutcome:
    if refused(evidence):
        return CheckOutcome(1)
    return equivalence(evidence, all_of(evidence), "the run with a float lr", exact=False)


def _as_set(evidence: Evidence) -> CheckOutcome:
    if refused(evidence):  # by LRScheduler, which takes torch.optim.Optimizer alone
        return CheckOutcome(0)
    return equivalence(evidence, all_of(evidence), "the run whose lr is set in param_groups", exact=True)


TENSOR_LEARNING_RATE = Law(
    code="SC234",
    title="a learning rate in a tensor is the number in it",
    sentence="A learning rate given as a tensor is refused at construction, or leads where the number in it leads, to "
    "within rounding, also once it has been changed in place.",
    source="torch.optim.Adam: lr (float, Tensor, optional)",
    since="0.2",
    applies=_takes_a_rate,
    check=_as_numbers,
    condition="the subject is built of parameter groups and takes lr, which may change; the mode is not compiled",
    unit="reals",
    mathematics="""\
A tensor of float64 holds the number exactly. Where the runs differ in a bit, both have to keep to their envelopes.""",
    remedy="""\
Take the number out of the tensor at every step, or compute with the tensor in a format that holds 1 - lr*weight_decay:
a 0-d tensor does not widen a product, so that a factor may be rounded to the parameter's dtype. Refuse what the class
cannot do at construction.""",
    example="""\
class SgdReadsRateOnce(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": float(lr)})      # what is filled into the tensor later is not seen""",
    scripts=_tensors,
    reference=plain_invocation(*TENSORS),
)

SCHEDULED_LEARNING_RATE = Law(
    code="SC235",
    title="a scheduler's learning rate is the group's",
    sentence="A learning rate that a scheduler sets between two steps leads bit by bit where it leads if it is written "
    "into param_groups.",
    source="torch.optim.lr_scheduler.LRScheduler writes group['lr'], and group['initial_lr'] once",
    since="0.2",
    applies=_takes_a_rate,
    check=_as_set,
    condition="the subject is built of parameter groups and takes lr, which may change; the mode is not compiled",
    unit="reals",
    mathematics="""\
A scheduler writes lr into each group, and initial_lr beside it. The rule knows lr alone.""",
    remedy="""\
Read group["lr"] inside step, at every step, and nothing else in its place: neither defaults["lr"], which is the first
group's at most, nor initial_lr, which never changes.""",
    example="""\
class AdamTakesInitialRate(torch.optim.Optimizer):
    ...
    lr = group.get("initial_lr", group["lr"])            # a scheduler has put it there, and never changes it""",
    scripts=_scheduled,
    reference=plain_invocation("scheduler"),
    about_api=True,
)
