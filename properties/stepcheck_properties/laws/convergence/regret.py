"""Regretting: what AdaGrad loses against the best point of a box, which it does not know, has a bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sympy import Symbol

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper
from stepcheck_properties.scripts.clamped_scripts import BOX, CYCLE
from stepcheck_properties.scripts.from_zero import group_of
from stepcheck_properties.scripts.zero_hyper_parameters import are_zero, can_be_zero, comes_to, is_steady, none_of
from stepcheck_reference.alphabet import eps
from stepcheck_reference.facts import fixed
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adagrad.adagrad import ADAGRAD
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Step, Tensor

STEPS = 36
RATES = (1.5, 0.5)
STARTS = (1.0, -1.0, 1.0, -1.0)
CONSTANT = 16.0
UP = 1.0 + 2.0**-40
"""Rounds a bound that is computed in binary64 outward."""


WITHOUT_EPS = fixed(ADAGRAD, {eps: 0})


def _kept(rule: Rule) -> tuple[Symbol, ...]:
    """Return eps where the rule is AdaGrad with it, nothing where it has to be 0 as well."""
    return (eps,) if comes_to(rule, (ADAGRAD,), eps) else ()


def _sums(facts: Facts) -> bool:
    kept = _kept(facts.rule)
    free = "lr" not in facts.fixed_hyper and can_be_zero(facts, *kept)
    return free and bool(kept or comes_to(facts.rule, (WITHOUT_EPS,)))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    tensors = tuple(
        Tensor(shape, facts.dtype, Literal((STARTS * 2)[: _reals(shape, facts.dtype)]))
        for _ in RATES
        for shape in ((4,), (2,))
    )
    plain = none_of(facts.rule, *_kept(facts.rule))
    groups = tuple(
        Group((2 * index, 2 * index + 1), hyper(facts, 0, **plain, lr=rate)) for index, rate in enumerate(RATES)
    )
    steps = tuple(
        Step(
            tuple(
                _shaped(number, tensor.size) if index % 2 else drawn(seed, "normal", "regret", number, index)
                for index, tensor in enumerate(tensors)
            )
        )
        for number in range(STEPS)
    )
    yield Script(tensors, groups, steps, box=BOX)


def _reals(shape: tuple[int, ...], dtype: str) -> int:
    return Tensor(shape, dtype, Literal((0.0,))).size


def _shaped(number: int, size: int) -> Literal:
    """Return Reddi's gradients, and beside them one that stays."""
    return Literal(tuple(CONSTANT if index % 2 else CYCLE[number % 3] for index in range(size)))


def _gradients(script: Script, tensor: int, steps: int) -> list[Data]:
    return [data for step in script.steps[:steps] if (data := step.gradients[tensor]) is not None]


def _regrets_little(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    steady = is_steady(script) and script.objective is None and not any(step.hyper for step in script.steps)
    compared, found, kept = 0, "", _kept(evidence.rule)
    for tensor, trace in enumerate(trajectory.traces) if steady and trajectory.steps else ():
        if script.box is None:
            break
        item, values, (low, high) = script.tensors[tensor], group_of(script, tensor), script.box
        if not are_zero(evidence.rule, values, *kept) or not values["lr"] > 0.0:
            continue
        lr, wide = values["lr"], high - low
        given = np.array([expand(data, item.size, item.dtype) for data in _gradients(script, tensor, trajectory.steps)])
        lost = np.cumsum(given * np.asarray(trace.before, np.float64), axis=0)
        total, root = np.cumsum(given, axis=0), np.sqrt(np.cumsum(given * given, axis=0))
        regret = lost - np.where(total > 0, low, high) * total
        most = UP * (wide * wide / (2 * lr) * (root + values.get("eps", 0.0)) + lr * root)
        compared += given.size
        beyond = np.argwhere(~(regret <= most))
        if len(beyond) and not found:
            row, at = map(int, beyond[0])
            found = f"regret of p{tensor} at {at} after {row + 1} steps={regret[row, at]:.6g}, but should be at most "
            found += f"{most[row, at]:.6g}"
    if not found:
        return CheckOutcome(compared)
    worst = next((one for one in evidence.judgement.breaks if one.output == "theta"), None)
    worst = worst or next(iter(evidence.judgement.breaks), None)
    if worst is None:
        return CheckOutcome(compared)
    told = f"{found}; {worst.output}={worst.observed!r} where it should be {worst.expected!r} ± {worst.radius:.3g}"
    return CheckOutcome(compared, (Breach(worst.output, worst.tensor, worst.step, worst.ratio, told, worst),))


ADAGRAD_REGRET = Law(
    code="SC607",
    title="AdaGrad's regret stays below its bound",
    sentence="On linear losses in a box D wide, what AdaGrad loses over all steps is at most D**2/(2*lr)*(sqrt(h) + "
    "eps) + lr*sqrt(h) more than the best point of the box does, element by element, to within rounding.",
    source="Duchi, Hazan & Singer 2011, Theorem 5, https://jmlr.org/papers/v12/duchi11a.html",
    since="0.2",
    applies=_sums,
    check=_regrets_little,
    condition="with other hyper-parameters at 0, and eps too where it stands elsewhere, the rule is proved to be "
    "AdaGrad; lr is free",
    unit="reals",
    mathematics="""\
Parameters are clamped to (-1, 1) after each step, so that D = 2. Gradients are drawn at random, Reddi's 4, -1, -1 over
and over, and 16 at every step; h sums their squares, of which the bound takes its own, in binary64. The regret after
each of 36 steps is the sum of gradient times parameter, less the sum of the gradients times the end of the box where
that is least. It grows as the root of t and no faster. It may be more where the run keeps to its envelope at every
step, which is what rounding can account for: where the bound is exceeded, the rule itself has been left, and the
witness is where.""",
    remedy="""\
Look for a sum of squares that fades or is averaged, for steps that are not divided by its root, or in the wrong
direction: each of them loses as much at every step as at the first.""",
    example="""\
class AdagradForgets(torch.optim.Optimizer):
    ...
    h.mul_(0.5).addcmul_(g, g)                           # RMSprop's memory: regret grows with t""",
    scripts=_scripts,
    theorem="adagrad_regret",
)
