"""Default dtype: what torch makes of a bare number is none of an optimizer's business."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.compare.state_entries import unlike_entries
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.script import Script


def _computes_in_torch(facts: Facts) -> bool:
    return facts.interface != "wrapped" and facts.mode != "compiled"


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), "float64_default")


def _unmoved(evidence: Evidence) -> CheckOutcome:
    what = "the run under default dtype float32"
    same = equivalence(evidence, all_of(evidence), what, exact=False)
    return CheckOutcome(same.compared, (*same.breaches, *unlike_entries(evidence, what, buffers=True)))


DEFAULT_DTYPE = Law(
    code="SC236",
    title="the default dtype changes nothing",
    sentence="Under torch.set_default_dtype(torch.float64) parameters and states go where they go under float32, to "
    "within rounding, and states of a parameter's shape have the dtype that they have then.",
    source="torch.set_default_dtype: it decides what bare numbers become, and parameters have a dtype of their own",
    since="0.2",
    applies=_computes_in_torch,
    check=_unmoved,
    condition="the subject computes in torch, and the mode is not compiled",
    unit="reals",
    mathematics="""\
The rule knows no default dtype. Scalars may be kept wider, and are then nearer to the rule; so both runs have to keep
to the envelope of narrower scalars.""",
    remedy="""\
Make buffers with torch.zeros_like(p) or p.new_zeros, which have the parameter's dtype, and not with
torch.zeros(p.shape), which has the default's.""",
    example="""\
class AdamBuffersOfDefaultDtype(torch.optim.Optimizer):
    ...
    state["exp_avg"] = torch.zeros(p.shape)              # float64 for float32 parameters, where that is the default""",
    scripts=_scripts,
    reference=plain_invocation("float64_default"),
)
