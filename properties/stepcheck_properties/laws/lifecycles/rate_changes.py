"""Rate changes: a learning rate has the same effect in a tensor, from a scheduler, and as a number in the group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import accepts_lr, has_groups
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, rejected, with_invocation
from stepcheck_reference.scripts.script import Script

TENSOR_VARIANTS = ("tensor_lr", "one_element_lr", "viewed_lr")
LATER_RATES = (0.0625, 0.3)
"""Learning rates of the two groups in the last step: one that is exact in every dtype, and one that is in none."""
WITH_DIMENSIONS = ((5,), (2, 3), (1,))
"""Shapes of parameters that are not 0-d."""
CONDITION = "the subject is built from parameter groups and accepts lr, which may change; the mode is not compiled"


def _accepts_changing_lr(facts: Facts) -> bool:
    return has_groups(facts) and accepts_lr(facts) and "lr" not in facts.constant_hyper


def _with_later_rates(script: Script) -> Script:
    """Return ``script`` with other learning rates before the last step."""
    last = replace(script.steps[-1], hyper=tuple((group, "lr", rate) for group, rate in enumerate(LATER_RATES)))
    return replace(script, steps=(*script.steps[:-1], last))


def _tensor_scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    # The product of a 0-d tensor of float64 and a 0-d gradient is float64: there code that assigns p.data, right with
    # numbers, ends in the first step (see _is_widened), and nothing would be compared.
    for variant in TENSOR_VARIANTS[:1] if profile.name == "quick" else TENSOR_VARIANTS:
        yield with_invocation(_with_later_rates(ordinary(facts, seed, shapes=WITH_DIMENSIONS)), variant)


def _check_tensor(evidence: Evidence) -> CheckOutcome:
    if rejected(evidence, kinds=("TypeError", "ValueError"), steps=1) or _is_widened(evidence):
        return CheckOutcome(1)
    return equivalence(evidence, "the run with a float lr", exact=False)


def _is_widened(evidence: Evidence) -> bool:
    """Whether the first step has given a parameter the learning rate's dtype.

    It ends training as an exception does: torch refuses to assign the next gradient, which has another dtype.
    """
    fault = evidence.trajectory.fault
    return fault is not None and (fault.kind, fault.step) == ("malformed", 1) and fault.message.startswith("dtype of ")


TENSOR_LEARNING_RATE = Law(
    code="SC234",
    title="a tensor learning rate has the effect of its number",
    sentence="A learning rate that is a tensor is rejected (at construction, by a TypeError or ValueError in the first "
    "step, or by parameters of its dtype, to which torch assigns no further gradient), or has the effect of the number "
    "in it, within rounding, also after it has been changed in place.",
    source="torch.optim.Adam: lr (float, Tensor, optional)",
    since="0.2",
    applies=_accepts_changing_lr,
    check=_check_tensor,
    condition=CONDITION,
    unit="reals",
    mathematics="""\
A tensor of float64 represents the number exactly. If the runs differ in a bit, both have to stay inside their
envelopes.""",
    remedy="""\
Read the number from the tensor in every step, or compute with the tensor in a dtype that represents 1 - lr*weight_decay
well enough: a 0-d tensor does not widen a product, so the factor may be rounded to the parameter's dtype. Reject at
construction what the class does not support.""",
    example="""\
class SgdReadsRateOnce(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": float(lr)})      # later changes of the tensor are not seen""",
    scripts=_tensor_scripts,
    reference=plain_invocation(*TENSOR_VARIANTS),
)


def _scheduled_scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(_with_later_rates(ordinary(facts, seed)), "scheduler")


def _check_scheduled(evidence: Evidence) -> CheckOutcome:
    if rejected(evidence):  # by LRScheduler, which accepts torch.optim.Optimizer alone
        return CheckOutcome(0)
    return equivalence(evidence, "the run whose lr is set in param_groups", exact=True)


SCHEDULED_LEARNING_RATE = Law(
    code="SC235",
    title="a scheduler's learning rate takes effect",
    sentence="A learning rate that a scheduler sets between two steps gives parameters and states that are bitwise "
    "identical to those for the same number written to param_groups.",
    source="torch.optim.lr_scheduler.LRScheduler writes group['lr'], and group['initial_lr'] once",
    since="0.2",
    applies=_accepts_changing_lr,
    check=_check_scheduled,
    condition=CONDITION,
    unit="reals",
    mathematics="""\
A scheduler writes lr to each group, and adds initial_lr once. The rule depends on lr alone.""",
    remedy="""\
Read group["lr"] inside step, in every step, and nothing else in its place: neither defaults["lr"], which is one value
for all groups, nor initial_lr, which never changes.""",
    example="""\
class AdamTakesInitialRate(torch.optim.Optimizer):
    ...
    lr = group.get("initial_lr", group["lr"])            # set by a scheduler once, and never changed""",
    scripts=_scheduled_scripts,
    reference=plain_invocation("scheduler"),
    about_api=True,
)
