"""Scaled gradients: an optimizer that removes the scale of torch.amp by itself does remove it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import steps_on_gradients
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script

SCALES = (64.0, 64.0, 4.0, 0.0)
"""The scale of each step, 0.0 without a scaler. Powers of two, so that nothing is rounded, and no dtype overflows."""


def _removes_scale(facts: Facts) -> bool:
    return steps_on_gradients(facts) and "_step_supports_amp_scaling" in facts.offers


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, steps=len(SCALES))
    steps = tuple(replace(step, grad_scale=scale) for step, scale in zip(script.steps, SCALES, strict=True))
    yield replace(script, steps=steps)


def _unscaled(script: Script, facts: Facts) -> ReferenceRun | None:
    if not any(step.grad_scale for step in script.steps):
        return None
    return ReferenceRun(replace(script, steps=tuple(replace(step, grad_scale=0.0) for step in script.steps)))


def _check_scaled(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the run without a scale", exact=True)


SCALED_GRADIENT = Law(
    code="SC242",
    title="gradients scaled by torch.amp are unscaled",
    sentence="An optimizer with _step_supports_amp_scaling divides gradients by grad_scale where torch.amp sets it, "
    "which may change from step to step: with a power of two the run is bitwise identical to the one without a scale.",
    source="torch.amp.GradScaler.step: an optimizer with _step_supports_amp_scaling is called with grad_scale and "
    "found_inf set, and with gradients as they were computed from the scaled loss",
    since="0.2",
    applies=_removes_scale,
    check=_check_scaled,
    condition="the subject is built from parameter groups and has _step_supports_amp_scaling, its rule needs one "
    "gradient per step, and the mode is not compiled",
    unit="reals",
    mathematics="""\
The loss is multiplied by a scale so that small gradients do not underflow. The gradient of the loss is the scaled one
divided by the scale; a division by a power of two rounds nothing that is in range.""",
    remedy="""\
Divide by self.grad_scale, read in every step, before the gradient is used, also for moments; or remove
_step_supports_amp_scaling, so that torch.amp unscales gradients before step().""",
    example="""\
class SgdFusedByHand(torch.optim.SGD):
    _step_supports_amp_scaling = True                    # but step() never looks at self.grad_scale""",
    scripts=_scripts,
    reference=_unscaled,
    about_api=True,
)
