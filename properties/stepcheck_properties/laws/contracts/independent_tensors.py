"""Independent tensors: an update does not depend on companion tensors, their order, groups and dtypes."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import TensorPair, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import EVERY_SUBJECT, always
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.transformed_scripts import only, preceded_by, reversed_and_ungrouped
from stepcheck_reference.scripts.script import Literal, Script, Tensor

COMPANION_DTYPES = ("bfloat16", "float32", "float64", "float16")
"""Dtypes for a companion tensor; the first that the subject accepts in addition to its own is used."""

MATHEMATICS = """\
Both runs start from the same parameters and get the same gradients. If they differ in a bit, both have to stay inside
their envelopes: a subject may store tensors side by side, and then round some elements differently."""


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)
    if profile.name != "quick":
        yield ordinary(facts, seed, shapes=((7,), (33,), (4, 2), (5,)), split=1, turn=2)


def _last_alone(script: Script, facts: Facts) -> ReferenceRun | None:
    last = len(script.tensors) - 1
    return ReferenceRun(only(script, (last,))) if last else None


def _check_alone(evidence: Evidence) -> CheckOutcome:
    pairs = [TensorPair(len(evidence.script.tensors) - 1, 0)]
    return equivalence(evidence, "the run of that tensor alone", pairs=pairs, exact=False)


INDEPENDENT_TENSORS = Law(
    code="SC205",
    title="a tensor's update does not depend on other tensors",
    sentence="A tensor among others, which are in groups with other hyper-parameters, is updated as in an optimizer "
    "that has this tensor alone, within rounding.",
    source="torch.optim.Optimizer, parameter groups; every elementwise rule is stated for one parameter",
    since="0.2",
    applies=always,
    check=_check_alone,
    condition=EVERY_SUBJECT,
    unit="reals",
    mathematics=MATHEMATICS,
    remedy="""\
Look for values that are read once although each group or tensor has its own: hyper-parameters of the first group, a
step count of the first tensor or of the optimizer, a scalar state that is read from the first entry of a list.""",
    example="""\
class ReadsTheFirstGroup(torch.optim.Optimizer):
    ...
    lr = self.param_groups[0]["lr"]                      # each group has its own""",
    scripts=_scripts,
    reference=_last_alone,
    about_api=True,
)


def _reversed(script: Script, facts: Facts) -> ReferenceRun | None:
    return ReferenceRun(reversed_and_ungrouped(script)) if len(script.tensors) > 1 else None


def _check_order(evidence: Evidence) -> CheckOutcome:
    last = len(evidence.script.tensors) - 1
    pairs = [TensorPair(index, last - index) for index in range(last + 1)]
    return equivalence(evidence, "the run in reverse order with a group per tensor", pairs=pairs, exact=False)


TENSOR_ORDER = Law(
    code="SC206",
    title="a tensor's update does not depend on order and grouping",
    sentence="Tensors are updated the same way in any order, and however they are split into groups of equal "
    "hyper-parameters, within rounding.",
    source="torch.optim.Optimizer, parameter groups: a group is a list of parameters that share options",
    since="0.2",
    applies=always,
    check=_check_order,
    condition=EVERY_SUBJECT,
    unit="reals",
    mathematics=MATHEMATICS,
    remedy="""\
Look for what depends on a position: a decay for one group only, a list that carries over from one group to the next or
is cut off by it, states that are stored by a tensor's position and not by the tensor.""",
    example="""\
class DecaysTheFirstGroupOnly(torch.optim.Optimizer):
    ...
    for index, group in enumerate(self.param_groups):
        weight_decay = group["weight_decay"] if index == 0 else 0.0""",
    scripts=_scripts,
    reference=_reversed,
    about_api=True,
)


def _companion_dtype(facts: Facts) -> str:
    return next((name for name in COMPANION_DTYPES if name in facts.companions and name != facts.dtype), "")


def _accepts_another_dtype(facts: Facts) -> bool:
    return bool(_companion_dtype(facts))


def _after_another_dtype(script: Script, facts: Facts) -> ReferenceRun:
    companion = Tensor((4,), _companion_dtype(facts), Literal((0.5,)))
    return ReferenceRun(preceded_by(script, companion, Literal((0.75,))))


def _check_mixed(evidence: Evidence) -> CheckOutcome:
    pairs = [TensorPair(index, index + 1) for index in range(len(evidence.script.tensors))]
    return equivalence(evidence, "the run after a tensor of another dtype", pairs=pairs, exact=False)


MIXED_DTYPES = Law(
    code="SC207",
    title="a tensor's update does not depend on other dtypes in its group",
    sentence="Tensors are updated the same way with and without a tensor of another dtype before them in their group, "
    "within rounding.",
    source="torch.optim.Optimizer takes parameters of any dtypes; torch.utils._foreach_utils groups them by dtype",
    since="0.2",
    applies=_accepts_another_dtype,
    check=_check_mixed,
    condition="the subject accepts tensors of another dtype too",
    unit="reals",
    mathematics=MATHEMATICS,
    remedy="""\
Look for what takes its dtype from the first parameter: states, scalars that are made tensors, a flat buffer into which
all parameters are copied. Group tensors by dtype and device before they go into one call.""",
    example="""\
class StatesInTheFirstParameterSDtype(torch.optim.Optimizer):
    ...
    like = self.param_groups[0]["params"][0]
    state["exp_avg"] = torch.zeros(p.shape, dtype=like.dtype)""",
    scripts=_scripts,
    reference=_after_another_dtype,
)
