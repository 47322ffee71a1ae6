"""Reducing: where a rule's equations become another rule's, the subject keeps that one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.growing_gradients import rising
from stepcheck_properties.scripts.special_cases import Reduction, reductions
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script

RATE = 0.5
"""A learning rate whose reciprocal is not rounded."""


def _reduced(facts: Facts) -> list[Reduction]:
    """Return the reductions that can be asked of the subject."""
    held = {name for name, value in facts.fixed_hyper.items() if value != 0.0}
    found = [one for one in reductions(facts.rule) if not held & {str(symbol) for symbol in one.zeros}]
    return [one for one in found if not (one.signs and "lr" in facts.fixed_hyper)]


def _reduces(facts: Facts) -> bool:
    return bool(_reduced(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield a script for each kind of reduction; in longer profiles for each reduction."""
    seen = set[tuple[bool, bool]]()
    for one in _reduced(facts):
        if profile.name == "quick" and (one.rising, one.signs) in seen:
            continue
        seen.add((one.rising, one.signs))
        zeros = {str(symbol): 0.0 for symbol in one.zeros}
        if one.rising:
            yield rising(facts, seed, **zeros)
        elif one.signs:
            yield _with(ordinary(facts, seed, regime="signs"), {"lr": RATE, **zeros})
        else:
            yield _with(ordinary(facts, seed), zeros)


def _with(script: Script, values: Mapping[str, float]) -> Script:
    """Return ``script`` with these hyper-parameters in every group."""
    groups = tuple(replace(group, hyper={**group.hyper, **values}) for group in script.groups)
    return replace(script, groups=groups)


def _as_the_other(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the same run, to be judged by the rule that this one is at the script's hyper-parameters."""
    found = next((one for one in _reduced(facts) if _holds(script, one)), None)
    return None if found is None else ReferenceRun(script, rule=found.other)


def _holds(script: Script, one: Reduction) -> bool:
    """Whether ``script`` has what the reduction takes, and no more zeros than that."""
    hypers = [hyper for step in range(len(script.steps) + 1) for hyper in script.hyper_at(step)]
    zero = all(hyper.get(str(symbol)) == 0.0 for hyper in hypers for symbol in one.zeros)
    halved = not one.signs or all(float(np.frexp(hyper["lr"])[0]) == RATE for hyper in hypers)
    return zero and halved and (not one.rising or _rises(script)) and (not one.signs or _is_power(script))


def _rises(script: Script) -> bool:
    """Whether no real of a gradient is smaller than it was at the step before."""
    for index, tensor in enumerate(script.tensors):
        last = np.zeros(tensor.size)
        for step in script.steps:
            data = step.gradients[index]
            if data is None or step.skip or step.reload:
                return False
            now = np.abs(expand(data, tensor.size, tensor.dtype))
            if (now < last).any():
                return False
            last = now
    return True


def _is_power(script: Script) -> bool:
    """Whether every real of every gradient is a power of two or its opposite."""
    values = [
        expand(data, tensor.size, tensor.dtype)
        for index, tensor in enumerate(script.tensors)
        for step in script.steps
        if (data := step.gradients[index]) is not None
    ]
    return all(bool((np.abs(np.frexp(value)[0]) == 0.5).all()) for value in values)


def _keeps_the_other(evidence: Evidence) -> CheckOutcome:
    reference = evidence.reference
    assert reference is not None, "the law has a twin"
    name, judgement = reference.rule.name, reference.judgement
    compared = sum(
        trace.theta[step].size // (2 if is_complex(tensor.dtype) else 1)
        for trace, tensor in zip(reference.trajectory.traces, reference.script.tensors, strict=True)
        for step in range(reference.trajectory.steps)
    )
    found: dict[str, Breach] = {}
    for worst in (*judgement.breaks, *judgement.initials):
        told = f"{worst.output}={worst.observed!r}, but should be {worst.expected!r} ± {worst.radius:.3g}, as {name}"
        breach = Breach(worst.output, worst.tensor, worst.step, worst.ratio, f"{told} has it", worst)
        found.setdefault(worst.output, breach)
    return CheckOutcome(compared, tuple(found.values()))


SPECIAL_CASE = Law(
    code="SC401",
    title="where the rule is another one, the subject keeps that one",
    sentence="At hyper-parameters at which the rule's equations are those of another rule, as AdamW's without "
    "decay are Adam's, every parameter and state lands in the envelope of the other rule.",
    source="the equations of both rules; Loshchilov & Hutter 2019, Algorithm 2; Reddi et al. 2018, Algorithm 2",
    since="0.2",
    applies=_reduces,
    check=_keeps_the_other,
    condition="with some hyper-parameters at 0, and for AMSGrad with gradients that only grow, the equations are "
    "proved to be another rule's, expression for expression",
    unit="elements at steps",
    mathematics="""\
A reduction is found in the equations and in no list of names: hyper-parameters are set to 0, and what is left is
looked up among all rules. What is multiplied by 0 and added, or by 1, rounds nowhere, so that the other rule's
envelope, which knows nothing of it, has to hold too: AdamW and Adam with L2 are Adam at weight_decay = 0, averages
are SGD at beta = 0, Lion is signSGD, RAdam that never rectifies SGD. AMSGrad is Adam while v does not fall. Adam at
beta1 = beta2 = eps = 0 is signSGD: for gradients that are powers of two, or sqrt(g**2) is rounded. Reductions that
put factors elsewhere, as Adam at beta1 = 0 to RMSprop at lr*sqrt(1 - beta2**t), round elsewhere and are left to the
theorems.""",
    remedy="""\
The hyper-parameter that is 0 still does something. Look for a value that is taken for missing because it is falsy, a
branch that is chosen by another option, a default that is used instead.""",
    example="""\
class AdamWWithItsOwnMind(torch.optim.Optimizer):
    ...
    weight_decay = group["weight_decay"] or 0.01         # 0 is a value, and means no decay""",
    scripts=_scripts,
    reference=_as_the_other,
    theorem="adamw_is_adam",
)
