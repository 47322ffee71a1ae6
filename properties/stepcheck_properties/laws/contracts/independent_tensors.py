"""Company: where a tensor goes depends on no other, however they are ordered and put into groups."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import Same, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.rearranged import apart_and_reversed, led_by, only
from stepcheck_reference.scripts.script import Literal, Script, Tensor

COMPANY = ("bfloat16", "float32", "float64", "float16")
"""Dtypes that stand beside another, the first that there is."""


def _is_elementwise_or_a_tensor_s(facts: Facts) -> bool:
    return True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)
    if profile.name != "quick":
        yield ordinary(facts, seed, shapes=((7,), (33,), (4, 2), (5,)), split=1, turn=2)


def _alone(script: Script, facts: Facts) -> ReferenceRun | None:
    last = len(script.tensors) - 1
    return ReferenceRun(only(script, (last,))) if last else None


def _as_alone(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, [Same(len(evidence.script.tensors) - 1, 0)], "the tensor by itself", exact=False)


def _apart(script: Script, facts: Facts) -> ReferenceRun | None:
    return ReferenceRun(apart_and_reversed(script)) if len(script.tensors) > 1 else None


def _as_apart(evidence: Evidence) -> CheckOutcome:
    last = len(evidence.script.tensors) - 1
    pairs = [Same(index, last - index) for index in range(last + 1)]
    return equivalence(evidence, pairs, "each tensor in a group of its own, in reverse order,", exact=False)


def _other(facts: Facts) -> str:
    return next((name for name in COMPANY if name in facts.companions and name != facts.dtype), "")


def _has_another_dtype(facts: Facts) -> bool:
    return bool(_other(facts))


def _mixed(script: Script, facts: Facts) -> ReferenceRun:
    leader = Tensor((4,), _other(facts), Literal((0.5,)))
    return ReferenceRun(led_by(script, leader, Literal((0.75,))))


def _as_mixed(evidence: Evidence) -> CheckOutcome:
    pairs = [Same(index, index + 1) for index in range(len(evidence.script.tensors))]
    return equivalence(evidence, pairs, "the same behind a tensor of another dtype", exact=False)


SAME = """\
Both runs start from the same parameters and are given the same gradients. Where they differ in a bit, both have to keep
to their envelopes: a subject may lay tensors side by side, and then round some elements otherwise."""

INDEPENDENT_TENSORS = Law(
    code="SC205",
    title="a tensor in company goes where it goes alone",
    sentence="A tensor among others, in groups with other hyper-parameters, goes where it goes in an optimizer that "
    "has it alone, to within rounding.",
    source="torch.optim.Optimizer, parameter groups; every elementwise rule is stated for one parameter",
    since="0.2",
    applies=_is_elementwise_or_a_tensor_s,
    check=_as_alone,
    condition="every subject",
    unit="reals",
    mathematics=SAME,
    remedy="""\
Look for what is read once where it belongs to each group or tensor: hyper-parameters of the first group, a step counter
of the first tensor or of the optimizer, a scalar state that is taken from element 0 of a list.""",
    example="""\
class ReadsTheFirstGroup(torch.optim.Optimizer):
    ...
    lr = self.param_groups[0]["lr"]                      # each group has its own""",
    scripts=_scripts,
    reference=_alone,
)

TENSOR_ORDER = Law(
    code="SC206",
    title="order and grouping do not matter",
    sentence="Tensors go to the same places in any order and however they are split into groups of equal "
    "hyper-parameters, to within rounding.",
    source="torch.optim.Optimizer, parameter groups: a group is a list of parameters that share options",
    since="0.2",
    applies=_is_elementwise_or_a_tensor_s,
    check=_as_apart,
    condition="every subject",
    unit="reals",
    mathematics=SAME,
    remedy="""\
Look for what depends on a position: a decay for all groups but the first, lists that go on from one group to the next,
or are cut off by one; states that are kept by the place of a tensor and not by the tensor.""",
    example="""\
class DecaysTheFirstGroupOnly(torch.optim.Optimizer):
    ...
    for index, group in enumerate(self.param_groups):
        weight_decay = group["weight_decay"] if index == 0 else 0.0""",
    scripts=_scripts,
    reference=_apart,
)

MIXED_DTYPES = Law(
    code="SC207",
    title="a tensor of another dtype in front changes nothing",
    sentence="Tensors go to the same places behind a tensor of another dtype in their group, to within rounding.",
    source="torch.optim.Optimizer takes parameters of any dtypes; torch.utils._foreach_utils groups them by dtype",
    since="0.2",
    applies=_has_another_dtype,
    check=_as_mixed,
    condition="the subject takes tensors of another dtype too",
    unit="reals",
    mathematics=SAME,
    remedy="""\
Look for what takes its dtype from the first parameter: states, scalars made into tensors, a flat buffer that all
parameters are copied into. Group tensors by dtype and device before they are put into one call.""",
    example="""\
class StatesInTheFirstParameterSDtype(torch.optim.Optimizer):
    ...
    like = self.param_groups[0]["params"][0]
    state["exp_avg"] = torch.zeros(p.shape, dtype=like.dtype)""",
    scripts=_scripts,
    reference=_mixed,
)
