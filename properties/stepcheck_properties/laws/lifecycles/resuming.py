"""Resuming: a run that is saved, copied or pickled continues as if it had not been interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.compare.state_entries import entry_differences
from stepcheck_properties.law import PLAIN_MODE, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import HAS_GROUPS, accepts_lr, has_groups
from stepcheck_properties.laws.lifecycles.hyper_changes import changing
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper, ordinary
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script

UNINTERRUPTED = "the uninterrupted run"


def _interrupted(script: Script, kinds: Sequence[str], into: str = "") -> Script:
    """Return ``script`` with a reload of these kinds before its steps, "" for none."""
    steps = tuple(replace(step, reload=kind, into=into) for step, kind in zip(script.steps, kinds, strict=True))
    return replace(script, steps=steps)


def _uninterrupted(*kinds: str, across: bool = False) -> Callable[[Script, Facts], ReferenceRun | None]:
    def reference(script: Script, facts: Facts) -> ReferenceRun | None:
        reloads = [step for step in script.steps if step.reload]
        if not reloads or any(step.reload not in kinds or bool(step.into) != across for step in reloads):
            return None
        return ReferenceRun(replace(script, steps=tuple(replace(step, reload="", into="") for step in script.steps)))

    return reference


def _saved(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _interrupted(ordinary(facts, seed), ("", "loaded", "saved"))
    if profile.in_this_dtype:
        yield _interrupted(_with_other_hyper(facts, seed), ("loaded", "", "loaded_twice", "", "saved"))
    if profile.name != "quick":
        yield _interrupted(ordinary(facts, seed), ("saved", "", "loaded"))


def _with_other_hyper(facts: Facts, seed: int) -> Script:
    """Return a script in which hyper-parameters change, and the first tensor of a group has no gradient at first."""
    script = ordinary(facts, seed, steps=5, shapes=((3,), (2, 2), (4,)))
    rate = ("lr",) if accepts_lr(facts) and "lr" not in facts.constant_hyper else ()
    changes = {
        number: tuple((group, name, hyper(facts, turn + group)[name]) for group in range(2) for name in names)
        for number, turn, names in ((1, 2, (*rate, *changing(facts))), (3, 1, rate))
    }
    steps = tuple(
        replace(
            step,
            gradients=(None if number < 3 else step.gradients[0], *step.gradients[1:]),
            hyper=changes.get(number, ()),
        )
        for number, step in enumerate(script.steps)
    )
    return replace(script, steps=steps)


def _aside(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, steps=4)
    if {"state_dict", "load_state_dict"} <= facts.offers:
        yield _interrupted(script, ("loaded_aside", "", "loaded_aside", ""))
    yield _interrupted(script, ("", "copied_aside", "pickled_aside", ""))


def _copied(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _interrupted(ordinary(facts, seed), ("", "copied", "pickled"))
    if profile.name != "quick":
        yield _interrupted(ordinary(facts, seed), ("pickled", "", "copied"))


def _check_resumed(evidence: Evidence) -> CheckOutcome:
    outcome = equivalence(evidence, UNINTERRUPTED, exact=True)
    return CheckOutcome(outcome.compared, (*outcome.breaches, *entry_differences(evidence, UNINTERRUPTED)))


STATE_DICT = Law(
    code="SC230",
    title="a run is bitwise identical after resuming",
    sentence="A run that is saved to a state dict, in memory or by torch.save, and loaded into a new optimizer is "
    "bitwise identical to the uninterrupted run, whatever hyper-parameters the new one was built with, every entry of "
    "its state has the same dtype, device and size, and the state dict can be loaded again.",
    source="torch.optim.Optimizer.state_dict and load_state_dict; https://github.com/pytorch/pytorch/issues/74424",
    since="0.2",
    applies=has_groups,
    check=_check_resumed,
    condition=HAS_GROUPS,
    unit="reals",
    mathematics="""\
A step is a function of parameters, gradients, hyper-parameters and state. The state dict has the last two, so that the
optimizer into which it is loaded computes the same function of the same numbers.""",
    remedy="""\
Store everything that a step depends on in state or param_groups; attributes, and entries whose key is the id of a
tensor, are lost. Check what load_state_dict makes of each entry: it casts all but "step" to the parameter's dtype.""",
    example="""\
class AdamForgetsCounterOnReload(torch.optim.Optimizer):
    ...
    self.counters[p] += 1                                # not in the state dict""",
    scripts=_saved,
    reference=_uninterrupted("loaded", "saved", "loaded_twice"),
)

COPY_AND_PICKLE = Law(
    code="SC231",
    title="a run is bitwise identical after copying or pickling",
    sentence="A deep copy of parameters with their optimizer, and the same after pickling and unpickling, continues "
    "bitwise identically to the original, and every entry of its state has the same dtype, device and size.",
    source="torch.optim.Optimizer.__getstate__ and __setstate__; copy and pickle of the standard library",
    since="0.2",
    applies=has_groups,
    check=_check_resumed,
    condition=HAS_GROUPS,
    unit="reals",
    mathematics="""\
A copy has the same numbers and refers to the copied parameters; a step is a function of these alone.""",
    remedy="""\
torch.optim.Optimizer copies defaults, state and param_groups, and nothing else. A class that stores more needs its own
__getstate__ and __setstate__. Refer to parameters by the objects in param_groups, not by id.""",
    example="""\
class SgdOfParametersByIdentity(torch.optim.Optimizer):
    ...
    self.buffers[id(p)].mul_(momentum).add_(p.grad)      # a copy of p has another id""",
    scripts=_copied,
    reference=_uninterrupted("copied", "pickled"),
    about_api=True,
)

SAVED_OPTIMIZER = Law(
    code="SC243",
    title="saving or copying an optimizer does not change it",
    sentence="An optimizer whose state dict has been saved, or which has been copied or pickled together with its "
    "parameters, continues bitwise identically to one to which nothing of that was done, also where the other "
    "optimizer takes steps.",
    source="torch.optim.Optimizer.state_dict; a checkpoint is written in the middle of a run, which goes on",
    since="0.2",
    applies=has_groups,
    check=_check_resumed,
    condition=HAS_GROUPS,
    unit="reals",
    mathematics="""\
Reading parameters and state changes neither. The copies have memory of their own, so that no step of the other
optimizer can reach these.""",
    remedy="""\
Build the state dict from copies of what you convert for it, and leave self.state and param_groups alone. Let
__deepcopy__ and __getstate__ copy buffers instead of moving or sharing them.""",
    example="""\
class AdamHandsItsMomentsOver(torch.optim.Optimizer):
    def state_dict(self):
        saved = super().state_dict()
        self.state.clear()                               # the run that goes on begins anew
        return saved""",
    scripts=_aside,
    reference=_uninterrupted("loaded_aside", "copied_aside", "pickled_aside"),
    about_api=True,
)


def _plain_mode_lies_inside(facts: Facts) -> bool:
    """Whether a step of the plain mode lies inside this mode's envelope.

    A fused step computes narrow dtypes in float32, so that its envelope is the smaller one.
    """
    if not has_groups(facts) or facts.mode == PLAIN_MODE or PLAIN_MODE not in facts.modes:
        return False
    return facts.mode != "fused" or FORMATS[facts.dtype].precision >= FORMATS["float32"].precision


def _saved_across(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = _interrupted(ordinary(facts, seed), ("", "", "loaded"))
    last = replace(script.steps[-1], into=PLAIN_MODE)
    yield replace(script, steps=(*script.steps[:-1], last))


def _check_across(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, UNINTERRUPTED, exact=False)


STATE_DICT_ACROSS_MODES = Law(
    code="SC232",
    title="a state dict can be loaded in another mode",
    sentence="A run whose state dict is saved in one mode and loaded in mode single continues like the uninterrupted "
    "run, within rounding.",
    source="torch.optim: foreach, fused, capturable and differentiable are implementations of one algorithm, and keep "
    "one state",
    since="0.2",
    applies=_plain_mode_lies_inside,
    check=_check_across,
    condition="the subject is built from parameter groups and has mode single; the mode is another one, not compiled, "
    "and not fused in a narrow dtype",
    unit="reals",
    mathematics="""\
Modes evaluate the same equations on the same state. They differ in rounding alone, which each mode's envelope
bounds.""",
    remedy="""\
Store the same entries in the same form in every mode: the same moments, without bias correction, and the step count in
a tensor. Convert what differs in load_state_dict.""",
    example="""\
class AdamWhoseFusedStateIsScaled(torch.optim.Optimizer):
    ...
    state["exp_avg_sq"].mul_(scale)                      # in mode fused alone""",
    scripts=_saved_across,
    reference=_uninterrupted("loaded", "saved", across=True),
)
