"""Special cases: where a rule's equations become another rule's, the subject follows that one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.reductions import Reduction, reductions
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.from_zero import growing_gradients
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script

RATE = 0.5
"""A power of two as learning rate: neither its reciprocal nor a product with it is rounded."""


def _possible_reductions(facts: Facts) -> list[Reduction]:
    """Return the reductions of the rule that the cell's hyper-parameters allow."""
    nonzero = {name for name, value in facts.fixed_hyper.items() if value != 0.0}
    with_zeros = [one for one in reductions(facts.rule) if not nonzero & {str(symbol) for symbol in one.zeros}]
    return [one for one in with_zeros if not (one.powers_of_two and "lr" in facts.fixed_hyper)]


def _reduces(facts: Facts) -> bool:
    return bool(_possible_reductions(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield a script for each kind of reduction; in longer profiles for each reduction."""
    kinds = set[tuple[bool, bool]]()
    for one in _possible_reductions(facts):
        if profile.name == "quick" and (one.growing, one.powers_of_two) in kinds:
            continue
        kinds.add((one.growing, one.powers_of_two))
        zeros = {str(symbol): 0.0 for symbol in one.zeros}
        if one.growing:
            yield growing_gradients(facts, seed, **zeros)
        elif one.powers_of_two:
            yield _with_hyper(ordinary(facts, seed, regime="signs"), {"lr": RATE, **zeros})
        else:
            yield _with_hyper(ordinary(facts, seed), zeros)


def _with_hyper(script: Script, values: Mapping[str, float]) -> Script:
    """Return ``script`` with ``values`` in every group."""
    groups = tuple(replace(group, hyper={**group.hyper, **values}) for group in script.groups)
    return replace(script, groups=groups)


def _judged_by_other_rule(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the same run, judged by the rule that this one reduces to at the script's hyper-parameters."""
    fitting = next((one for one in _possible_reductions(facts) if _fits(script, one)), None)
    return None if fitting is None else ReferenceRun(script, rule=fitting.other)


def _fits(script: Script, one: Reduction) -> bool:
    """Whether ``script`` has the hyper-parameters and gradients that the reduction needs."""
    hypers = [hyper for step in range(len(script.steps) + 1) for hyper in script.hyper_at(step)]
    zero = all(hyper.get(str(symbol)) == 0.0 for hyper in hypers for symbol in one.zeros)
    exact_rate = not one.powers_of_two or all(float(np.frexp(hyper["lr"])[0]) == RATE for hyper in hypers)
    return (
        zero
        and exact_rate
        and (not one.growing or _never_shrinks(script))
        and (not one.powers_of_two or _has_powers_of_two(script))
    )


def _never_shrinks(script: Script) -> bool:
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


def _has_powers_of_two(script: Script) -> bool:
    """Whether every real of every gradient is a power of two or its opposite."""
    values = [
        expand(data, tensor.size, tensor.dtype)
        for index, tensor in enumerate(script.tensors)
        for step in script.steps
        if (data := step.gradients[index]) is not None
    ]
    return all(bool((np.abs(np.frexp(value)[0]) == 0.5).all()) for value in values)


def check_other_rule(evidence: Evidence) -> CheckOutcome:
    """Return where the reference run, the same run, breaks the rule that it is judged by."""
    reference = evidence.reference
    assert reference is not None, "the law has a reference run"
    name, judgement = reference.rule.name, reference.judgement
    compared = sum(
        trace.theta[step].size // (2 if is_complex(tensor.dtype) else 1)
        for trace, tensor in zip(reference.trajectory.traces, reference.script.tensors, strict=True)
        for step in range(reference.trajectory.steps)
    )
    breaches: dict[str, Breach] = {}
    for worst in (*judgement.breaks, *judgement.initials):
        expected = f"{worst.expected!r} ± {worst.radius:.3g}"
        message = f"{worst.output}={worst.observed!r}, but should be {expected}, as in rule {name}"
        breaches.setdefault(worst.output, Breach(worst.output, worst.tensor, worst.step, worst.ratio, message, worst))
    return CheckOutcome(compared, tuple(breaches.values()))


SPECIAL_CASE = Law(
    code="SC401",
    title="where the rule equals another rule, the subject follows that one",
    sentence="For hyper-parameters for which the rule's equations are those of another rule, as AdamW's without decay "
    "are Adam's, every parameter and state lies inside the envelope of the other rule.",
    source="the equations of both rules; Loshchilov & Hutter 2019, Algorithm 2; Reddi et al. 2018, Algorithm 2",
    since="0.2",
    applies=_reduces,
    check=check_other_rule,
    condition="with some hyper-parameters at 0, and for AMSGrad with gradients that only grow, the equations are "
    "proved to be another rule's, expression for expression",
    unit="elements at steps",
    mathematics="""\
Reductions are found in the equations, not in a list of names: hyper-parameters are set to 0, and the result is looked
up among all rules. Adding a product with 0, or multiplying by 1, rounds nothing, so the envelope of the other rule,
which has no such terms, applies as well. AdamW and Adam with L2 are Adam at weight_decay = 0, averages are SGD at beta
= 0, Lion is signSGD, and RAdam is SGD while it is not rectified. AMSGrad is Adam while v does not decrease. Adam at
beta1 = beta2 = eps = 0 is signSGD, for gradients that are powers of two, because sqrt(g**2) is rounded for others.
Reductions that put factors elsewhere, as Adam at beta1 = 0 to RMSprop at lr*sqrt(1 - beta2**t), round elsewhere and are
left to the theorems.""",
    remedy="""\
A hyper-parameter of 0 still has an effect. Look for a value that counts as missing because it is falsy, a branch that
is chosen by another option, or a default that is used instead.""",
    example="""\
class AdamWWithItsOwnMind(torch.optim.Optimizer):
    ...
    weight_decay = group["weight_decay"] or 0.01         # 0 is falsy, but means no decay""",
    scripts=_scripts,
    reference=_judged_by_other_rule,
    theorem="adamw_is_adam",
)
