"""Numbers that are none: a nan or inf in a gradient shows in its own element, and in no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Abs, Add, Basic, Expr, Mul, Piecewise, Pow

from stepcheck_properties.compare.equivalence import COUNT, divergence
from stepcheck_properties.law import Breach, CheckOutcome, Counterpart, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.formats import is_complex
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Drawn, Literal, Script, Tensor

NAN = float("nan")


def _is_elementwise(facts: Facts) -> bool:
    return facts.rule.kind == "elementwise" and not needs_objective(facts.rule)


def _carries_nan(facts: Facts) -> bool:
    return _is_elementwise(facts) and carries(facts.rule)


def carries(rule: Rule) -> bool:
    """Whether the gradient enters theta by sums, products, powers and magnitudes alone, on some way, in every case.

    A sign, a maximum and a branch that asks for the gradient say of nan what the code says that they are written in.
    """
    return _carried(unwrapped(rule.step[theta]), frozenset({t, *rule.hyper, *rule.scalars, *rule.constants}))


def _carried(expression: Basic, scalars: frozenset[Expr]) -> bool:
    if expression == g:
        return True
    if isinstance(expression, Piecewise):
        asked = {symbol for _, condition in expression.args for symbol in condition.free_symbols}
        return asked <= scalars and all(_carried(value, scalars) for value, _ in expression.args)
    if isinstance(expression, (Add, Mul, Pow, Abs)):
        return any(_carried(part, scalars) for part in expression.args)
    return False


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield an ordinary script whose first tensor has nan in its gradient's second element, and inf in its fourth."""
    script = ordinary(facts, seed)
    width = 2 if is_complex(facts.dtype) else 1
    poison = {1 * width + part: NAN for part in range(width)} | {
        3 * width + part: float("inf") for part in range(width)
    }
    middle = script.steps[1]
    assert isinstance(middle.gradients[0], Drawn)
    first = replace(middle.gradients[0], specials=tuple(poison.items()))
    middle = replace(middle, gradients=(first, *middle.gradients[1:]))
    yield replace(script, steps=(script.steps[0], middle, *script.steps[2:]))


def _values(data: Data, tensor: Tensor) -> NDArray[Any]:
    return np.broadcast_to(expand(data, tensor.size, tensor.dtype), (tensor.size,))


def _wild(script: Script, index: int, steps: int, *, nan_only: bool = False) -> NDArray[Any]:
    """Return which reals of a tensor have had a gradient that is no number, after each step; shape (steps, size)."""
    tensor = script.tensors[index]
    rows = np.zeros((steps, tensor.size), dtype=np.bool_)
    for number, step in enumerate(script.steps[:steps]):
        data = step.gradients[index]
        if data is not None:
            values = _values(data, tensor)
            rows[number] = np.isnan(values) if nan_only else ~np.isfinite(values)
    return np.asarray(np.logical_or.accumulate(rows, axis=0)) if steps else rows


def _shows(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared = 0
    breaches: list[Breach] = []
    for index, trace in enumerate(trajectory.traces):
        touched = any(step.overwrite or step.skip for step in script.steps)
        wild = _wild(script, index, trajectory.steps, nan_only=True)
        if touched or not wild.any():
            continue
        compared += int(wild.sum())
        number = wild & ~np.isnan(trace.theta)
        if number.any():
            row, at = (int(place) for place in np.argwhere(number)[0])
            value = float(trace.theta[row, at])
            told = f"theta={value!r}, but should be nan, as its gradient was"
            deviation = Deviation("theta", index, row + 1, at, value, NAN, 0.0, float("inf"), {})
            breaches.append(Breach("theta", index, row + 1, float("inf"), told, deviation))
    return CheckOutcome(compared, tuple(breaches[:1]))


def _tamed(script: Script, facts: Facts) -> ReferenceRun | None:
    """Return the script with every gradient that is no number 1 instead."""

    def tame(data: Data | None) -> Data | None:
        if isinstance(data, Drawn):
            return replace(data, specials=tuple((i, v if np.isfinite(v) else 1.0) for i, v in data.specials))
        if isinstance(data, Literal):
            return Literal(tuple(value if np.isfinite(value) else 1.0 for value in data.values))
        return data

    steps = tuple(replace(step, gradients=tuple(tame(data) for data in step.gradients)) for step in script.steps)
    return None if steps == script.steps else ReferenceRun(replace(script, steps=steps))


def _stays(evidence: Evidence) -> CheckOutcome:
    assert evidence.reference is not None
    script, first, second = evidence.script, evidence.trajectory, evidence.reference.trajectory
    if first.fault is not None and second.fault is None:
        told = f"step {first.fault.step}={first.fault.kind}, but should be finished ({first.fault.message})"
        return CheckOutcome(0, (Breach(first.fault.kind, 0, first.fault.step, float("inf"), told),))
    steps, compared = min(first.steps, second.steps), 0
    breaches: dict[str, Breach] = {}
    what = "the same run without nan and inf"
    for index, (one, other) in enumerate(zip(first.traces, second.traces, strict=True)):
        wild = _wild(script, index, steps)
        rows = {"theta": (one.theta[:steps], other.theta[:steps])}
        rows |= {n: (v[1 : steps + 1], other.states[n][1 : steps + 1]) for n, v in one.states.items()}
        rows[COUNT] = (one.count[1 : steps + 1, None], other.count[1 : steps + 1, None])
        for name, (ours, theirs) in rows.items():
            spoiled = wild if ours.shape == wild.shape else np.zeros(ours.shape, dtype=np.bool_)
            compared += int((~spoiled).sum()) if name == "theta" else 0
            apart = ~spoiled & (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
            if name not in breaches and apart.any():
                row, at = (int(place) for place in np.argwhere(apart)[0])
                values = float(ours[row, at]), float(theirs[row, at])
                breaches[name] = divergence(name, index, row + 1, at, *values, what, Counterpart(index, row + 1, at))
    return CheckOutcome(compared, tuple(breaches.values()))


NAN_PROPAGATES = Law(
    code="SC217",
    title="a nan gradient shows",
    sentence="An element whose gradient is nan is nan after the step, and stays so.",
    source="IEEE 754-2019, 6.2: operations on a quiet nan deliver one; the rule's own equations",
    since="0.2",
    applies=_carries_nan,
    check=_shows,
    condition="the gradient enters the parameters by sums, products, powers and magnitudes alone, on some way",
    unit="elements that had nan",
    mathematics="""\
Sums, products and powers of nan are nan, and parameters are a sum. A sign, a maximum or a branch may lose it, and rules
that have the gradient in nothing else are not asked.""",
    remedy="""\
Look for nan_to_num, a clamp, a comparison that is false for nan, or a mask of finite elements. A step that is to be
left out where gradients have overflowed is left out whole, by who calls step(): torch.amp.GradScaler does. Swallowed
here, a nan is noticed by nobody, and its element stands still.""",
    example="""\
class SwallowsNan(torch.optim.Optimizer):
    ...
    g = torch.nan_to_num(p.grad)                         # the loss was nan, and nobody will know""",
    scripts=_scripts,
)

NONFINITE_STAYS_LOCAL = Law(
    code="SC218",
    title="nan and inf stay in their elements",
    sentence="A nan or an inf in a gradient changes no bit of any other element, nor of its states.",
    source="the rule's own equations, each of one element",
    since="0.2",
    applies=_is_elementwise,
    check=_stays,
    condition="the rule is elementwise, and the subject is given gradients",
    unit="reals",
    mathematics="""\
An elementwise rule has no norm, mean or maximum over a tensor. The same script is run with 1 in the place of nan and
inf: elements that never had either are computed from the same numbers by the same operations.""",
    remedy="""\
Look for a reduction: a norm that gradients are clipped by, a test whether all of a tensor is finite, a sum over a block
that shares a scale. It belongs in front of the optimizer, or to another rule.""",
    example="""\
class ClipsByTheNorm(torch.optim.Optimizer):
    ...
    g = p.grad / p.grad.norm().clamp(min=1.0)            # one nan makes every element nan""",
    scripts=_scripts,
    reference=_tamed,
)
