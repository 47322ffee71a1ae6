"""Hyper-parameter changes: what is written to param_groups before a step counts, and nothing from before that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sympy import sympify

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import has_groups
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.strategies.hyper_parameters import changeable_hyper, other_values
from stepcheck_reference.scripts.script import Script, Step


def changing(facts: Facts) -> tuple[str, ...]:
    """Return the hyper-parameters besides lr that the subject accepts and that may change in the cell."""
    free = changeable_hyper(facts.rule, facts.fixed_hyper)
    starting = {
        symbol.name
        for value in (*facts.rule.init.values(), *facts.rule.scalars.values())
        for symbol in sympify(value).free_symbols
    }
    excluded = {*facts.constant_hyper, *starting}
    return tuple(name for name in free if name in facts.accepted_hyper and name not in excluded)


def _applies(facts: Facts) -> bool:
    return has_groups(facts) and bool(changing(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield a script whose groups get their largest and smallest values before the first gradient.

    The first group keeps its smallest ones, the second gets its own back.
    """
    script = ordinary(facts, seed)
    current = [dict(group.hyper) for group in script.groups]
    rows: list[tuple[tuple[int, str, float], ...]] = []
    for turns in ((max, min), (min, max)):
        changes = [(number, turns[number % 2]) for number in range(len(script.groups))]
        rows.append(tuple(_changes(facts, current, changes)))
    back = [(1, name, script.groups[1].hyper[name]) for name in changing(facts)] if len(current) > 1 else []
    idle = (None,) * len(script.tensors)
    steps = (Step(idle), *(Step(idle, hyper=row) for row in rows), replace(script.steps[0], hyper=tuple(back)))
    yield replace(script, steps=(*steps, *script.steps[1:]))


def _changes(
    facts: Facts, current: Sequence[dict[str, float]], turns: Sequence[tuple[int, Callable[..., float]]]
) -> Iterator[tuple[int, str, float]]:
    """Yield the change of every hyper-parameter to its largest or smallest value, as ``turns`` says of each group."""
    for number, extreme in turns:
        for name in changing(facts):
            values = other_values(facts.rule, name, current[number])
            if values:
                current[number][name] = extreme(values)
                yield number, name, current[number][name]


def _constructed(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the script with the hyper-parameters of its first gradients from the start, where none changes later."""
    first = next(
        (number for number, step in enumerate(script.steps, 1) if any(data is not None for data in step.gradients)), 0
    )
    changes = [number for number, step in enumerate(script.steps, 1) if step.hyper]
    if not changes or max(changes) > first:
        return None
    groups = tuple(
        replace(group, hyper=hyper) for group, hyper in zip(script.groups, script.hyper_at(first), strict=True)
    )
    return ReferenceRun(replace(script, groups=groups, steps=tuple(replace(step, hyper=()) for step in script.steps)))


def _check(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the run that was constructed with these hyper-parameters", exact=True)


CHANGED_HYPER_PARAMETERS = Law(
    code="SC260",
    title="changed hyper-parameters take effect",
    sentence="Hyper-parameters that are written to param_groups before the first gradient give parameters and states "
    "that are bitwise identical to those of an optimizer constructed with them, whatever they were in between.",
    source="torch.optim.lr_scheduler.OneCycleLR and CyclicLR write group['momentum'] and group['betas'] "
    "(cycle_momentum) at any time",
    since="0.2",
    applies=_applies,
    check=_check,
    condition="the subject is built from parameter groups and accepts a hyper-parameter besides lr that may change; "
    "the mode is not compiled",
    unit="reals",
    mathematics="""\
A step depends on the hyper-parameters in force at it, on parameters, gradients and states. Steps without a gradient
change nothing, so that two runs with equal hyper-parameters from the first gradient on compute the same function of the
same numbers.""",
    remedy="""\
Read every hyper-parameter from its group inside step, in every step. Whatever is computed from it, such as 1 - beta or
a step size, is computed there, too, or anew where the hyper-parameter differs from the one it was computed from.""",
    example="""\
class AdamReadsItsBetasOnce(torch.optim.Optimizer):
    ...
    beta1, beta2 = group.setdefault("first", group["betas"])   # a scheduler that changes betas changes nothing""",
    scripts=_scripts,
    reference=_constructed,
    about_api=True,
)
