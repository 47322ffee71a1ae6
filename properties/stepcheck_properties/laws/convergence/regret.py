"""Regret: what AdaGrad loses against the best point of a box in hindsight has a bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sympy import Symbol

from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.reductions import are_zero, can_be_zeroed, reduces_to, zero_values
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper, initial_hyper, is_uninterrupted
from stepcheck_properties.scripts.reddi_scripts import BOX, PERIOD
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
"""A gradient that is the same in every step, next to Reddi's."""
ROUND_UP = 1.0 + 2.0**-40
"""Rounds a bound outward that is computed in binary64 from sums over 36 steps."""


WITHOUT_EPS = fixed(ADAGRAD, {eps: 0})


def _free_eps(rule: Rule) -> tuple[Symbol, ...]:
    """Return eps if the rule is AdaGrad with any value of it, nothing if eps has to be 0 too."""
    return (eps,) if reduces_to(rule, (ADAGRAD,), eps) else ()


def _is_adagrad(facts: Facts) -> bool:
    free_eps = _free_eps(facts.rule)
    can_be_set = "lr" not in facts.fixed_hyper and can_be_zeroed(facts, *free_eps)
    return can_be_set and bool(free_eps or reduces_to(facts.rule, (WITHOUT_EPS,)))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    tensors = tuple(
        Tensor(shape, facts.dtype, Literal((STARTS * 2)[: _reals(shape, facts.dtype)]))
        for _ in RATES
        for shape in ((4,), (2,))
    )
    plain = zero_values(facts.rule, *_free_eps(facts.rule))
    groups = tuple(
        Group((2 * index, 2 * index + 1), hyper(facts, 0, **plain, lr=rate)) for index, rate in enumerate(RATES)
    )
    steps = tuple(
        Step(
            tuple(
                _constructed(number, tensor.size) if index % 2 else drawn(seed, "normal", "regret", number, index)
                for index, tensor in enumerate(tensors)
            )
        )
        for number in range(STEPS)
    )
    yield Script(tensors, groups, steps, box=BOX)


def _reals(shape: tuple[int, ...], dtype: str) -> int:
    return Tensor(shape, dtype, Literal((0.0,))).size


def _constructed(number: int, size: int) -> Literal:
    """Return Reddi's gradients and ``CONSTANT``, in alternating elements."""
    return Literal(tuple(CONSTANT if index % 2 else PERIOD[number % 3] for index in range(size)))


def _gradients(script: Script, tensor: int, steps: int) -> list[Data]:
    return [data for step in script.steps[:steps] if (data := step.gradients[tensor]) is not None]


def _check_regret(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    plain = is_uninterrupted(script) and script.objective is None and not any(step.hyper for step in script.steps)
    compared, message, free_eps = 0, "", _free_eps(evidence.rule)
    for tensor, trace in enumerate(trajectory.traces) if plain and trajectory.steps else ():
        if script.box is None:
            break
        item, values, (low, high) = script.tensors[tensor], initial_hyper(script, tensor), script.box
        if not are_zero(evidence.rule, values, *free_eps) or not values["lr"] > 0.0:
            continue
        lr, width = values["lr"], high - low
        data = _gradients(script, tensor, trajectory.steps)
        gradients = np.array([expand(one, item.size, item.dtype) for one in data])
        losses = np.cumsum(gradients * np.asarray(trace.before, np.float64), axis=0)
        total, root = np.cumsum(gradients, axis=0), np.sqrt(np.cumsum(gradients * gradients, axis=0))
        regret = losses - np.where(total > 0, low, high) * total
        most = ROUND_UP * (width * width / (2 * lr) * (root + values.get("eps", 0.0)) + lr * root)
        compared += gradients.size
        beyond = np.argwhere(~(regret <= most))
        if len(beyond) and not message:
            row, at = map(int, beyond[0])
            message = f"regret of p{tensor}[{at}] after {row + 1} steps={regret[row, at]:.6g}, but should be at most "
            message += f"{most[row, at]:.6g}"
    if not message:
        return CheckOutcome(compared)
    worst = next((one for one in evidence.judgement.breaks if one.output == THETA), None)
    worst = worst or next(iter(evidence.judgement.breaks), None)
    if worst is None:
        return CheckOutcome(compared)
    expected = f"{worst.expected!r} ± {worst.radius:.3g}"
    message += f"; {worst.output}={worst.observed!r}, but should be {expected}"
    return CheckOutcome(compared, (Breach(worst.output, worst.tensor, worst.step, worst.ratio, message, worst),))


ADAGRAD_REGRET = Law(
    code="SC607",
    title="AdaGrad's regret stays below its bound",
    sentence="On linear losses in a box of width D, AdaGrad's losses over all steps exceed those of the best fixed "
    "point of the box by at most D**2/(2*lr)*(sqrt(h) + eps) + lr*sqrt(h), for each element, within rounding.",
    source="Duchi, Hazan & Singer 2011, Theorem 5, https://jmlr.org/papers/v12/duchi11a.html",
    since="0.2",
    applies=_is_adagrad,
    check=_check_regret,
    condition="with other hyper-parameters at 0, and with eps at 0 too if it is in another place, the rule is proved "
    "to be AdaGrad; lr can be set",
    unit="reals",
    mathematics="""\
Parameters are clamped to [-1, 1] after each step, so D = 2. Gradients are drawn at random, Reddi's 4, -1, -1 repeated,
and 16 in every step; h is the sum of their squares, which the bound computes in binary64. The regret after each of 36
steps is the sum of gradient times parameter, minus the sum of the gradients times the end of the box at which that is
least. It grows no faster than the square root of t. It may exceed the bound in a run that stays inside its envelope in
every step, which is what rounding can account for; otherwise the run has departed from the rule, and the witness shows
where.""",
    remedy="""\
Look for a sum of squares that decays or is averaged, for steps that are not divided by its root, or that have the wrong
sign: each of them loses as much in later steps as in the first.""",
    example="""\
class AdagradForgets(torch.optim.Optimizer):
    ...
    h.mul_(0.5).addcmul_(g, g)                           # as in RMSprop: regret grows linearly in t""",
    scripts=_scripts,
    theorem="adagrad_regret",
)
