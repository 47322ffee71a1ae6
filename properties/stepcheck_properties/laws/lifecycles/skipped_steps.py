"""Skipped steps: a step that torch.amp skips because gradients have overflowed changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import STEPS_ON_GRADIENTS, steps_on_gradients
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, ordinary
from stepcheck_reference.scripts.script import Script, Step

STEPS_BETWEEN = 2
"""Steps between the first skipped step, which is the script's first, and the second one."""


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed)
    indices = range(len(script.tensors))
    early, late = (
        Step(tuple(drawn(seed, "normal", "skipped", number, index) for index in indices), skip=True)
        for number in (0, 1)
    )
    yield replace(script, steps=(early, *script.steps[:STEPS_BETWEEN], late, *script.steps[STEPS_BETWEEN:]))


def _without_skipped(script: Script, facts: Facts) -> ReferenceRun | None:
    steps = tuple(step for step in script.steps if not step.skip)
    return None if len(steps) == len(script.steps) or not steps else ReferenceRun(replace(script, steps=steps))


def _check_skipped(evidence: Evidence) -> CheckOutcome:
    """Compare each step with the latest step of the shorter run that had been made by then."""
    steps, made = [], 0
    for number, step in enumerate(evidence.script.steps, 1):
        made += not step.skip
        if made:
            steps.append((number, made))
    return equivalence(evidence, "the run without the skipped steps", exact=True, steps=steps)


SKIPPED_STEP = Law(
    code="SC239",
    title="a step skipped by torch.amp changes nothing",
    sentence="A step for which found_inf reports an overflow of gradients leaves parameters, states and step counts "
    "unchanged, also if it is the first one, and the run is bitwise identical to the one without it.",
    source="torch.amp.GradScaler.step: an optimizer with _step_supports_amp_scaling is called with found_inf set, "
    "others are not called",
    since="0.2",
    applies=steps_on_gradients,
    check=_check_skipped,
    condition=STEPS_ON_GRADIENTS,
    unit="reals",
    mathematics="""\
A gradient with inf or nan means that the scale was too large. The step is repeated with a smaller scale, so nothing of
the skipped one may remain.""",
    remedy="""\
Check found_inf before anything is written: parameters, moments and the step count. Buffers that are created in the
first step have to have their initial values, or not to exist, after it was skipped.""",
    example="""\
class SgdFusedByHand(torch.optim.SGD):
    _step_supports_amp_scaling = True                    # but step() never looks at self.found_inf""",
    scripts=_scripts,
    reference=_without_skipped,
)
