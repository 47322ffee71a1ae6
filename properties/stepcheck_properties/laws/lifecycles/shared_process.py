"""A shared process: other optimizers of the class, and other threads, do not change what a step does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

CONDITION = "the rule needs one gradient per step, and the mode is not compiled"


def _applies(facts: Facts) -> bool:
    """See ``CONDITION``."""
    return not needs_objective(facts.rule) and facts.mode != "compiled"


def _two_optimizers(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed, steps=4), "two_optimizers", "fresh_process")


def _threads(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield with_invocation(ordinary(facts, seed, steps=4), "other_thread")


def _check_two_optimizers(evidence: Evidence) -> CheckOutcome:
    """Compare runs in two processes, so that no breach has a counterpart in its own: a program shows its value."""
    outcome = equivalence(evidence, "the run without another optimizer", exact=True)
    return CheckOutcome(outcome.compared, tuple(replace(breach, counterpart=None) for breach in outcome.breaches))


def _check_threads(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the run in one thread", exact=True)


SEVERAL_OPTIMIZERS = Law(
    code="SC244",
    title="optimizers of one class do not share anything",
    sentence="A run during which another optimizer of the class takes steps, on other parameters, with other "
    "hyper-parameters and at other step counts, is bitwise identical to the run without it.",
    source="torch.optim.Optimizer: state and hyper-parameters belong to the object; two networks trained in turn, as "
    "in adversarial training, have an optimizer each",
    since="0.2",
    applies=_applies,
    check=_check_two_optimizers,
    condition=CONDITION,
    unit="reals",
    mathematics="""\
A step is a function of its own parameters, gradients, hyper-parameters and states. What is cached for all optimizers
has to be found by everything that it depends on.""",
    remedy="""\
Keep state in self.state, not in attributes of the class, in module-level tables or in mutable default arguments. A
cache of bias corrections needs the betas as a key, beside the step.""",
    example="""\
class AdamSharesCorrections(torch.optim.Optimizer):
    corrections = {}                                     # by step alone: those of the optimizer that comes first""",
    scripts=_two_optimizers,
    reference=plain_invocation("two_optimizers"),
    about_api=True,
)

OTHER_THREADS = Law(
    code="SC245",
    title="steps may be called in another thread",
    sentence="A run in which every second step is called in a thread of its own, one after the other, is bitwise "
    "identical to the run in one thread.",
    source="torch.set_grad_enabled: the gradient mode is that of a thread; threading.local",
    since="0.2",
    applies=_applies,
    check=_check_threads,
    condition=CONDITION,
    unit="reals",
    mathematics="""\
A step is a function of its parameters, gradients, hyper-parameters and states, which all threads share.""",
    remedy="""\
Disable gradients in step itself, by @torch.no_grad(), and not once in the constructor. Do not keep state in
threading.local.""",
    example="""\
class SgdDisablesGradients(torch.optim.Optimizer):
    def __init__(self, params, lr):
        torch.set_grad_enabled(False)                    # in this thread alone
        super().__init__(params, {"lr": lr})""",
    scripts=_threads,
    reference=plain_invocation("other_thread"),
    about_api=True,
)
