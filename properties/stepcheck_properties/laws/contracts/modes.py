"""Execution paths: every mode of a subject does what its plain path does."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script

PLAIN = "single"


def _has_another(facts: Facts) -> bool:
    return facts.mode != PLAIN and PLAIN in facts.modes


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed, shapes=((5,), (2, 3), (), (33,)))


def _on_the_plain_path(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(script, mode=PLAIN)


def _same(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "mode single", exact=False)


MODES_AGREE = Law(
    code="SC202",
    title="every execution path does what the plain one does",
    sentence="From equal parameters and states, every mode comes to the parameters and states of mode single, to "
    "within rounding.",
    source="torch.optim: foreach, fused, capturable and differentiable are implementations of one algorithm",
    since="0.2",
    applies=_has_another,
    check=_same,
    condition="the mode is not single, and the subject has mode single too",
    unit="reals",
    mathematics="""\
Both runs start from the same parameters and are given the same gradients. Where they differ in a bit, both have to keep
to their envelopes: these have one centre for as long as the runs have not parted, so that neither is further from the
other than their radii together.""",
    remedy="""\
Run the script in both modes and print what they hold after each step. What only one path does, or does at another
place, is the cause: a maximum that is not stored, a list that is cut short, a scalar that is taken from the first
tensor.""",
    example="""\
class AdamWhoseForeachForgetsTheMaximum(torch.optim.Optimizer):
    ...
    torch._foreach_maximum(max_exp_avg_sqs, exp_avg_sqs)     # returns the maximum, and stores it nowhere""",
    scripts=_scripts,
    reference=_on_the_plain_path,
)
