"""Added groups: a group that joins later is updated by its own hyper-parameters, from the first step on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.compare.state_entries import entry_differences
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import has_groups
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper, ordinary
from stepcheck_reference.scripts.script import Group, Script

ADDED = {1: 1, 2: 3, 3: 3}
"""The step just before which each group is added: one before the first step, two together between later ones."""
STEPS = 5


def _can_add_groups(facts: Facts) -> bool:
    return has_groups(facts) and "add_param_group" in facts.offers


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, steps=STEPS, shapes=((3,), (2, 2), (4,), ()))
    groups = tuple(Group((number,), hyper(facts, turn)) for number, turn in enumerate((0, 1, 2, 0)))
    steps = tuple(
        replace(
            step,
            adds_groups=tuple(group for group, at in ADDED.items() if at == number),
            gradients=tuple(
                data if ADDED.get(index, 0) <= number else None for index, data in enumerate(step.gradients)
            ),
        )
        for number, step in enumerate(script.steps, 1)
    )
    yield replace(script, groups=groups, steps=steps)


def _from_the_start(script: Script, facts: Facts) -> ReferenceRun | None:
    if not any(script.since):
        return None
    return ReferenceRun(replace(script, steps=tuple(replace(step, adds_groups=()) for step in script.steps)))


def _check_added(evidence: Evidence) -> CheckOutcome:
    other = "the run whose optimizer has all groups from the start"
    outcome = equivalence(evidence, other, exact=True)
    return CheckOutcome(outcome.compared, (*outcome.breaches, *entry_differences(evidence, other)))


ADDED_GROUP = Law(
    code="SC241",
    title="a group that is added later is updated like one from the start",
    sentence="A group that add_param_group adds, before the first step or between later ones, has the hyper-parameters "
    "that it names and the constructor's for the others, and its first step is step 1: the run is bitwise identical to "
    "one in which the group was there from the start and had no gradients.",
    source="torch.optim.Optimizer.add_param_group: fine-tuning makes frozen layers trainable as training progresses",
    since="0.2",
    applies=_can_add_groups,
    check=_check_added,
    condition="the subject is built from parameter groups and has add_param_group, and the mode is not compiled",
    unit="reals",
    mathematics="""\
A step reads the hyper-parameters of a group and the states of its parameters. Neither depends on other groups, nor on
how many steps those have taken.""",
    remedy="""\
Make a parameter's state when it has its first gradient, and keep its step count in it. What the constructor does for
every group belongs into add_param_group, which torch.optim.Optimizer.__init__ calls for each.""",
    example="""\
class MomentumOfKnownParameters(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.groups = list(self.param_groups)            # a group that is added later is not among them""",
    scripts=_scripts,
    reference=_from_the_start,
    about_api=True,
)
