"""Resuming: a run that was interrupted goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.compare.state_entries import unlike_entries
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script

UNINTERRUPTED = "the uninterrupted run"
PLAIN = "single"


def _interrupted(script: Script, kinds: Sequence[str], into: str = "") -> Script:
    """Return ``script`` interrupted before each step as ``kinds`` say, "" being not at all."""
    steps = tuple(replace(step, reload=kind, into=into) for step, kind in zip(script.steps, kinds, strict=True))
    return replace(script, steps=steps)


def _uninterrupted(*kinds: str, across: bool = False) -> Callable[[Script, Facts], ReferenceRun | None]:
    def reference(script: Script, facts: Facts) -> ReferenceRun | None:
        there = [step for step in script.steps if step.reload]
        if not there or any(step.reload not in kinds or bool(step.into) != across for step in there):
            return None
        return ReferenceRun(replace(script, steps=tuple(replace(step, reload="", into="") for step in script.steps)))

    return reference


def _built_of_groups(facts: Facts) -> bool:
    return facts.interface == "torch" and facts.mode != "compiled"


def _saved(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _interrupted(ordinary(facts, seed), ("", "loaded", "saved"))
    if profile.name != "quick":
        yield _interrupted(ordinary(facts, seed), ("saved", "", "loaded"))


def _copied(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _interrupted(ordinary(facts, seed), ("", "copied", "pickled"))
    if profile.name != "quick":
        yield _interrupted(ordinary(facts, seed), ("pickled", "", "copied"))


def _goes_on(evidence: Evidence) -> CheckOutcome:
    checked = equivalence(evidence, all_of(evidence), UNINTERRUPTED, exact=True)
    return CheckOutcome(checked.compared, (*checked.breaches, *unlike_entries(evidence, UNINTERRUPTED)))


STATE_DICT = Law(
    code="SC230",
    title="a resumed run goes on bit by bit",
    sentence="A run that is saved to a state dict, in memory or through torch.save, and loaded into a new optimizer "
    "goes on bit by bit as if it had not been interrupted, with every entry of its state of the same dtype, device "
    "and size.",
    source="torch.optim.Optimizer.state_dict and load_state_dict; https://github.com/pytorch/pytorch/issues/74424",
    since="0.2",
    applies=_built_of_groups,
    check=_goes_on,
    condition="the subject is built of parameter groups, and the mode is not compiled",
    unit="reals",
    mathematics="""\
A step is a function of the parameters, the gradients, the hyper-parameters and the state. The state dict holds the last
two, so that the optimizer it is loaded into computes the same function of the same numbers.""",
    remedy="""\
Keep everything that a step depends on in state or param_groups: what is kept in attributes, or by the id of a tensor,
is lost. Look at what load_state_dict makes of each entry: it casts every one but "step" to its parameter's dtype.""",
    example="""\
class AdamForgetsCounterOnReload(torch.optim.Optimizer):
    ...
    self.counters[p] += 1                                # in no state dict""",
    scripts=_saved,
    reference=_uninterrupted("loaded", "saved"),
)

COPY_AND_PICKLE = Law(
    code="SC231",
    title="a copied or pickled run goes on bit by bit",
    sentence="A deep copy of parameters with their optimizer, and what they are once pickled and unpickled, goes on "
    "bit by bit as the original would have, with every entry of its state of the same dtype, device and size.",
    source="torch.optim.Optimizer.__getstate__ and __setstate__; copy and pickle of the standard library",
    since="0.2",
    applies=_built_of_groups,
    check=_goes_on,
    condition="the subject is built of parameter groups, and the mode is not compiled",
    unit="reals",
    mathematics="""\
A copy holds the same numbers, and it holds the copied parameters: a step is a function of these alone.""",
    remedy="""\
torch.optim.Optimizer carries over defaults, state and param_groups, and nothing else. Give a class that keeps more a
__getstate__ and a __setstate__ of its own, and refer to parameters by the objects in param_groups, not by id.""",
    example="""\
class SgdOfParametersByIdentity(torch.optim.Optimizer):
    ...
    self.buffers[id(p)].mul_(momentum).add_(p.grad)      # a copy of p has another id""",
    scripts=_copied,
    reference=_uninterrupted("copied", "pickled"),
    about_api=True,
)


def _covers_the_plain_path(facts: Facts) -> bool:
    """Whether a step of the plain path lies inside this mode's envelope.

    A fused step computes narrow formats in float32, so that its envelope is the narrower.
    """
    if not _built_of_groups(facts) or facts.mode == PLAIN or PLAIN not in facts.modes:
        return False
    return facts.mode != "fused" or FORMATS[facts.dtype].precision >= FORMATS["float32"].precision


def _across(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = _interrupted(ordinary(facts, seed), ("", "", "loaded"))
    last = replace(script.steps[-1], into=PLAIN)
    yield replace(script, steps=(*script.steps[:-1], last))


def _goes_on_elsewhere(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), UNINTERRUPTED, exact=False)


STATE_DICT_ACROSS_MODES = Law(
    code="SC232",
    title="what one mode has saved another goes on with",
    sentence="A state dict saved in one mode and loaded in mode single, where it says so, goes on as the uninterrupted "
    "run does, to within rounding.",
    source="torch.optim: foreach, fused, capturable and differentiable are implementations of one algorithm, and keep "
    "one state",
    since="0.2",
    applies=_covers_the_plain_path,
    check=_goes_on_elsewhere,
    condition="the subject is built of parameter groups and has mode single; the mode is another, not compiled, and "
    "not a fused one of a narrow format",
    unit="reals",
    mathematics="""\
Modes are ways to evaluate one equation on one state. What differs between them is rounding, which each mode's envelope
bounds.""",
    remedy="""\
Let every mode hold the same entries in the same form: the same moments, uncorrected, and the step counter in a tensor.
Convert what differs in load_state_dict.""",
    example="""\
class AdamWhoseFusedStateIsScaled(torch.optim.Optimizer):
    ...
    state["exp_avg_sq"].mul_(scale)                      # in mode fused alone""",
    scripts=_across,
    reference=_uninterrupted("loaded", "saved", across=True),
)
