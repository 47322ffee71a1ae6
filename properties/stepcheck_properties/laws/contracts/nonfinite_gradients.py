"""Non-finite gradients: nan propagates to its own element, and neither nan nor inf to any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Abs, Add, Basic, Expr, Mul, Piecewise, Pow

from stepcheck_properties.compare.breaches import divergence, unfinished, wrong_real
from stepcheck_properties.law import COUNT, THETA, Breach, CheckOutcome, Counterpart, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import is_elementwise
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.formats import is_complex
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Drawn, Literal, Script, Tensor

NAN = float("nan")
FINITE_RUN = "the same run without nan and inf"


def is_elementwise_on_gradients(facts: Facts) -> bool:
    """Whether the rule is elementwise, and the subject is given gradients."""
    return is_elementwise(facts) and not needs_objective(facts.rule)


def _propagates_nan(facts: Facts) -> bool:
    return is_elementwise_on_gradients(facts) and propagates_nan(facts.rule)


def propagates_nan(rule: Rule) -> bool:
    """Whether some path from the gradient to theta has sums, products, powers and magnitudes alone, in every case.

    What a sign, a maximum and a branch on the gradient do with nan depends on how they are written in code.
    """
    return _propagates(unwrapped(rule.step[theta]), frozenset({t, *rule.hyper, *rule.scalars, *rule.constants}))


def _propagates(expression: Basic, scalars: frozenset[Expr]) -> bool:
    if expression == g:
        return True
    if isinstance(expression, Piecewise):
        tested = {symbol for _, condition in expression.args for symbol in condition.free_symbols}
        return tested <= scalars and all(_propagates(value, scalars) for value, _ in expression.args)
    if isinstance(expression, (Add, Mul, Pow, Abs)):
        return any(_propagates(part, scalars) for part in expression.args)
    return False


def nonfinite_scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield an ordinary script whose first tensor has nan, inf and -inf in its gradient: elements 1, 3 and 4."""
    script = ordinary(facts, seed)
    width = 2 if is_complex(facts.dtype) else 1
    numbers = {1: NAN, 3: float("inf"), 4: -float("inf")}
    poison = {index * width + part: number for index, number in numbers.items() for part in range(width)}
    middle = script.steps[1]
    assert isinstance(middle.gradients[0], Drawn)
    first = replace(middle.gradients[0], specials=tuple(poison.items()))
    middle = replace(middle, gradients=(first, *middle.gradients[1:]))
    yield replace(script, steps=(script.steps[0], middle, *script.steps[2:]))


def _values(data: Data, tensor: Tensor) -> NDArray[Any]:
    return np.broadcast_to(expand(data, tensor.size, tensor.dtype), (tensor.size,))


def nonfinite_so_far(script: Script, index: int, steps: int, *, nan_only: bool = False) -> NDArray[Any]:
    """Return which reals of a tensor have had a non-finite gradient, after each step; shape (steps, size)."""
    rows = gradients_that_are(np.isnan if nan_only else _is_nonfinite, script, index, steps)
    return np.asarray(np.logical_or.accumulate(rows, axis=0)) if steps else rows


def gradients_that_are(
    kind: Callable[[NDArray[Any]], NDArray[Any]], script: Script, index: int, steps: int
) -> NDArray[Any]:
    """Return where a tensor's gradients are of a ``kind``, a function of their values; shape (steps, size)."""
    tensor = script.tensors[index]
    rows = np.zeros((steps, tensor.size), dtype=np.bool_)
    for number, step in enumerate(script.steps[:steps]):
        data = step.applied[index]
        if data is not None:
            rows[number] = kind(_values(data, tensor))
    return rows


def _is_nonfinite(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(~np.isfinite(values))


def _check_nan(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared = 0
    breaches: list[Breach] = []
    for index, trace in enumerate(trajectory.traces):
        overwritten = any(step.overwrite or step.skip for step in script.steps)
        nan = nonfinite_so_far(script, index, trajectory.steps, nan_only=True)
        if overwritten or not nan.any():
            continue
        compared += int(nan.sum())
        number = nan & ~np.isnan(trace.theta)
        if number.any():
            row, at = (int(position) for position in np.argwhere(number)[0])
            value = float(trace.theta[row, at])
            message = f"theta={value!r}, but should be nan, as its gradient was"
            breaches.append(wrong_real(THETA, index, row + 1, at, value, NAN, message))
    return CheckOutcome(compared, tuple(breaches[:1]))


def _finite(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the script with 1 in place of every non-finite number in a gradient."""

    def finite(data: Data | None) -> Data | None:
        if isinstance(data, Drawn):
            return replace(data, specials=tuple((i, v if np.isfinite(v) else 1.0) for i, v in data.specials))
        if isinstance(data, Literal):
            return Literal(tuple(value if np.isfinite(value) else 1.0 for value in data.values))
        return data

    steps = tuple(replace(step, gradients=tuple(finite(data) for data in step.gradients)) for step in script.steps)
    return None if steps == script.steps else ReferenceRun(replace(script, steps=steps))


def _check_locality(evidence: Evidence) -> CheckOutcome:
    assert evidence.reference is not None
    script, first, second = evidence.script, evidence.trajectory, evidence.reference.trajectory
    faults = unfinished(evidence)
    if faults:
        return CheckOutcome(0, faults)
    steps, compared = min(first.steps, second.steps), 0
    breaches: dict[str, Breach] = {}
    for index, (one, two) in enumerate(zip(first.traces, second.traces, strict=True)):
        nonfinite = nonfinite_so_far(script, index, steps)
        rows = {THETA: (one.theta[:steps], two.theta[:steps])}
        rows |= {name: (v[1 : steps + 1], two.states[name][1 : steps + 1]) for name, v in one.states.items()}
        rows[COUNT] = (one.count[1 : steps + 1, None], two.count[1 : steps + 1, None])
        for name, (observed, expected) in rows.items():
            excluded = nonfinite if observed.shape == nonfinite.shape else np.zeros(observed.shape, dtype=np.bool_)
            compared += int((~excluded).sum()) if name == THETA else 0
            differs = ~excluded & (observed != expected) & ~(np.isnan(observed) & np.isnan(expected))
            if name not in breaches and differs.any():
                row, at = (int(position) for position in np.argwhere(differs)[0])
                values = float(observed[row, at]), float(expected[row, at])
                counterpart = Counterpart(index, row + 1, at)
                breaches[name] = divergence(name, index, row + 1, at, *values, FINITE_RUN, counterpart)
    return CheckOutcome(compared, tuple(breaches.values()))


NAN_PROPAGATES = Law(
    code="SC217",
    title="a nan gradient propagates to its element",
    sentence="An element whose gradient is nan is nan after the step and from then on.",
    source="IEEE 754-2019, 6.2: operations on a quiet nan deliver one; the rule's own equations",
    since="0.2",
    applies=_propagates_nan,
    check=_check_nan,
    condition="some path from the gradient to the parameters has sums, products, powers and magnitudes alone",
    unit="elements that had nan",
    mathematics="""\
Sums, products and powers of nan are nan, and the new parameter is a sum. A sign, a maximum or a branch may lose it, so
the law does not apply to rules in which the gradient goes through those alone.""",
    remedy="""\
Look for nan_to_num, a clamp, a comparison that is false for nan, or a mask of finite elements. If gradients have
overflowed, the whole step should be skipped by the caller of step(), as torch.amp.GradScaler does. A nan that is
swallowed by the optimizer goes unnoticed, and its element no longer changes.""",
    example="""\
class SwallowsNan(torch.optim.Optimizer):
    ...
    g = torch.nan_to_num(p.grad)                         # the loss was nan, and nobody will know""",
    scripts=nonfinite_scripts,
)

NONFINITE_STAYS_LOCAL = Law(
    code="SC218",
    title="nan and inf do not spread to other elements",
    sentence="A nan or inf in a gradient changes no bit of any other element or of its states.",
    source="the rule's own equations, each of one element",
    since="0.2",
    applies=is_elementwise_on_gradients,
    check=_check_locality,
    condition="the rule is elementwise, and the subject is given gradients",
    unit="reals",
    mathematics="""\
An elementwise rule has no norm, mean or maximum over a tensor. The reference run is the same script with 1 in place of
nan and inf: elements that never had either are computed from the same numbers by the same operations.""",
    remedy="""\
Look for a reduction: a norm by which gradients are clipped, a test whether a whole tensor is finite, a sum over a block
of elements with one scale. It belongs before the optimizer, or to another rule.""",
    example="""\
class ClipsByTheNorm(torch.optim.Optimizer):
    ...
    g = p.grad / p.grad.norm().clamp(min=1.0)            # one nan makes every element nan""",
    scripts=nonfinite_scripts,
    reference=_finite,
)
