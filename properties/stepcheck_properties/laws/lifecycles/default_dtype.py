"""Default dtype: ``torch.set_default_dtype`` does not change an optimizer's results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.compare.state_entries import entry_differences
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import COMPUTES_IN_TORCH, computes_in_torch, steps_on_gradients
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.script import Script


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed), "float64_default")
    if profile.in_this_dtype and steps_on_gradients(facts):
        script = ordinary(facts, seed, steps=4)
        late = tuple(
            replace(
                step,
                default_dtype="float64" if number in (0, 2) else "",
                gradients=(*step.gradients[:-1], None if number < 2 else step.gradients[-1]),
            )
            for number, step in enumerate(script.steps)
        )
        yield replace(script, steps=late)
        yield replace(script, steps=tuple(replace(step, default_dtype="float64") for step in script.steps))


def _under_float32(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the run under default dtype float32."""
    if any(step.default_dtype for step in script.steps):
        return ReferenceRun(replace(script, steps=tuple(replace(step, default_dtype="") for step in script.steps)))
    return plain_invocation("float64_default")(script, facts)


def _check_default_dtype(evidence: Evidence) -> CheckOutcome:
    other = "the run under default dtype float32"
    outcome = equivalence(evidence, other, exact=False)
    return CheckOutcome(outcome.compared, (*outcome.breaches, *entry_differences(evidence, other, buffers_only=True)))


DEFAULT_DTYPE = Law(
    code="SC236",
    title="an update does not depend on the default dtype",
    sentence="Under torch.set_default_dtype(torch.float64), in a whole run or in some of its steps, parameters and "
    "states are updated as under float32, within rounding, and states of a parameter's shape have the same dtype.",
    source="torch.set_default_dtype: it decides what bare numbers become, and parameters have a dtype of their own",
    since="0.2",
    applies=computes_in_torch,
    check=_check_default_dtype,
    condition=COMPUTES_IN_TORCH,
    unit="reals",
    mathematics="""\
The rule has no default dtype. Scalars may be stored in a wider dtype and are then closer to the rule; both runs have to
stay inside the envelope for the narrower scalars.""",
    remedy="""\
Create buffers by torch.zeros_like(p) or p.new_zeros, which have the parameter's dtype, and not by torch.zeros(p.shape),
which has the default dtype.""",
    example="""\
class AdamBuffersOfDefaultDtype(torch.optim.Optimizer):
    ...
    state["exp_avg"] = torch.zeros(p.shape)              # float64 for float32 parameters if that is the default""",
    scripts=_scripts,
    reference=_under_float32,
)
