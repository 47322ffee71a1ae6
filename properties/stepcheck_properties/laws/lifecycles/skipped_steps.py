"""Skipped steps: where gradients have overflowed, nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, ordinary
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script, Step

LATER = 2
"""Steps that are taken before the second one that is skipped."""


def _steps_by_gradients(facts: Facts) -> bool:
    return facts.interface == "torch" and facts.mode != "compiled" and not needs_objective(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed)
    places = range(len(script.tensors))
    early, late = (
        Step(tuple(drawn(seed, "normal", "skipped", number, index) for index in places), skip=True) for number in (0, 1)
    )
    yield replace(script, steps=(early, *script.steps[:LATER], late, *script.steps[LATER:]))


def _without(script: Script, facts: Facts) -> ReferenceRun | None:
    kept = tuple(step for step in script.steps if not step.skip)
    return None if len(kept) == len(script.steps) or not kept else ReferenceRun(replace(script, steps=kept))


def _same(evidence: Evidence) -> CheckOutcome:
    """Hold every step against the one of the shorter run that was taken last."""
    steps, taken = [], 0
    for number, step in enumerate(evidence.script.steps, 1):
        taken += not step.skip
        if taken:
            steps.append((number, taken))
    return equivalence(evidence, all_of(evidence), "the run without the skipped steps", exact=True, steps=steps)


SKIPPED_STEP = Law(
    code="SC239",
    title="a step that torch.amp skips touches nothing",
    sentence="A step that is told through found_inf that gradients have overflowed leaves parameters, states and step "
    "counters as they are, and the run goes on bit by bit as if it had not been, also where it is the first.",
    source="torch.amp.GradScaler.step: an optimizer with _step_supports_amp_scaling is called with found_inf set, "
    "others are not called",
    since="0.2",
    applies=_steps_by_gradients,
    check=_same,
    condition="the subject is built of parameter groups, its rule needs one gradient a step, and the mode is not "
    "compiled",
    unit="reals",
    mathematics="""\
A gradient that holds inf or nan is no gradient: the scale was too large. The step is to be taken again with a smaller
one, so that nothing of it may be left.""",
    remedy="""\
Look for found_inf before anything is written: parameters, moments and the step counter. Buffers that are made at the
first step have to hold their initial values, or not to be there, if that step is skipped.""",
    example="""\
class SgdFusedByHand(torch.optim.SGD):
    _step_supports_amp_scaling = True                    # and step() never looks at self.found_inf""",
    scripts=_scripts,
    reference=_without,
)
