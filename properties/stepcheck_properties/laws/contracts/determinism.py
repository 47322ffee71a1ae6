"""Repetition: what is done twice comes to the same bits."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script


def _always(facts: Facts) -> bool:
    return True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _again(script: Script, facts: Facts) -> ReferenceRun:
    return ReferenceRun(script)


def _equal(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "the same run a second time", exact=True)


DETERMINISM = Law(
    code="SC211",
    title="two runs are equal",
    sentence="Two runs of one script, from the same state of torch's random numbers, come to the same bits in "
    "parameters "
    "and states.",
    source="https://docs.pytorch.org/docs/stable/notes/randomness.html; a rule is a function of state and gradient",
    since="0.2",
    applies=_always,
    check=_equal,
    condition="every subject",
    unit="reals",
    mathematics="""\
An update rule is a function: equal parameters, states and gradients have equal successors. Rounding is a function
too, so that nothing is left for two runs to differ in, unless something outside is read: the clock, an address,
memory that nobody has written, random numbers of a generator of one's own.""",
    remedy="""\
Look for empty and empty_like whose memory is read before it is written; for a generator that is seeded by the clock;
for sums that threads add up in the order in which they finish; for sets and hashes that decide an order.""",
    example="""\
class StartsFromUnwrittenMemory(torch.optim.Optimizer):
    ...
    state["exp_avg"] = torch.empty_like(p)               # zeros_like writes zeros""",
    scripts=_scripts,
    reference=_again,
)
