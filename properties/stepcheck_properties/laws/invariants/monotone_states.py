"""Lasting states: what a rule only lets rise never falls, and what it only lets be positive is never negative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_reference.facts import monotone_states, nonnegative_states
from stepcheck_reference.oracle.judgement import Deviation


def _proved(states: Mapping[Symbol, bool | None]) -> set[str]:
    return {str(state) for state, proved in states.items() if proved}


def _shows_rising(facts: Facts) -> bool:
    return bool(_proved(monotone_states(facts.rule)) & facts.observed_states)


def _shows_nonnegative(facts: Facts) -> bool:
    return bool(_proved(nonnegative_states(facts.rule)) & facts.observed_states)


def _held(evidence: Evidence, names: set[str]) -> Iterator[tuple[int, str, NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield (tensor, name, what it holds a step, whether it is there) of each state in ``names``."""
    dtypes = {tensor.dtype for tensor in evidence.script.tensors[:1]}
    for index, trace in enumerate(evidence.trajectory.traces):
        if evidence.script.tensors[index].dtype not in dtypes:
            continue
        for name in sorted(names & trace.states.keys()):
            yield index, name, np.asarray(trace.states[name], np.float64), trace.present[name]


def _breach(name: str, tensor: int, step: int, index: int, held: float, least: float, why: str) -> Breach:
    told = f"{name}={held!r}, but should be at least {least!r}, {why}"
    deviation = Deviation(name, tensor, step, index, held, least, 0.0, float("inf"), {})
    return Breach(name, tensor, step, float("inf"), told, deviation)


def _never_falls(evidence: Evidence) -> CheckOutcome:
    compared, found = 0, dict[str, Breach]()
    for tensor, name, values, present in _held(evidence, _proved(monotone_states(evidence.rule))):
        both = (present[1:] & present[:-1])[:, None]
        compared += int(both.sum()) * values.shape[1]
        falls = both & (values[1:] < values[:-1])
        if name not in found and falls.any():
            row, column = (int(at) for at in np.argwhere(falls)[0])
            pair = float(values[row + 1, column]), float(values[row, column])
            found[name] = _breach(name, tensor, row + 1, column, *pair, "as before the step")
    return CheckOutcome(compared, tuple(found.values()))


def _never_negative(evidence: Evidence) -> CheckOutcome:
    compared, found = 0, dict[str, Breach]()
    for tensor, name, values, present in _held(evidence, _proved(nonnegative_states(evidence.rule))):
        compared += int(present.sum()) * values.shape[1]
        below = present[:, None] & (values < 0.0)
        if name not in found and below.any():
            row, column = (int(at) for at in np.argwhere(below)[0])
            found[name] = _breach(name, tensor, row, column, float(values[row, column]), 0.0, "at every step")
    return CheckOutcome(compared, tuple(found.values()))


MONOTONE_STATES = Law(
    code="SC301",
    title="what the rule only lets rise never falls",
    sentence="A state whose new value is the larger of the old one and another, or the old one and a square, never"
    " falls from one step to the next.",
    source="Reddi, Kale & Kumar 2018, Algorithm 2 (v_max); Duchi, Hazan & Singer 2011, Figure 1 (the sum of squares)",
    since="0.2",
    applies=_shows_rising,
    check=_never_falls,
    condition="a state is proved never to fall, and the adapter maps it",
    unit="reals",
    mathematics="""\
v_max <- max(v_max, v), and h <- h + g**2. Rounding is monotone: fl(h + x) >= fl(h) = h for every x >= 0, so the
floating point state does not fall either, by not one bit. This is about the state: torch divides v_max by 1 -
beta2**t, which grows, after the maximum is taken, and that divisor does fall where gradients cease (g = 1, 0, 0: 1,
0.71, 0.58).""",
    remedy="""\
Print the state after each step. A maximum that is returned and not stored, a sum that is multiplied by a decay, and
a state that a reload rounds to a narrower dtype all make it fall.""",
    example="""\
class AmsgradForgetsTheMaximum(torch.optim.Optimizer):
    ...
    largest = torch.maximum(state["max_exp_avg_sq"], v)
    state["max_exp_avg_sq"] = v                          # should be largest""",
    theorem="v_max_never_falls",
)

NONNEGATIVE_STATES = Law(
    code="SC302",
    title="second moments are never negative",
    sentence="A state that is proved never to be negative, as an average or a sum of squares, is not negative at "
    "any step.",
    source="Kingma & Ba 2015, Algorithm 1; sums and averages of squares",
    since="0.2",
    applies=_shows_nonnegative,
    check=_never_negative,
    condition="a state is proved never to be negative, and the adapter maps it",
    unit="reals",
    mathematics="""\
beta*v + (1 - beta)*g**2 with 0 <= beta < 1 is a sum of two numbers that are not negative, and rounding is monotone:
neither the products nor the sum can round below 0, nor can v + (1 - beta)*(g**2 - v). A root of it is then a number.
Of a complex parameter the squares are those of its real and of its imaginary part.""",
    remedy="""\
Look for g*g of a complex gradient, whose real part can be negative, for a variance that is kept as a difference, and
for a moment that is stored with the sign of the gradient.""",
    example="""\
class ComplexSquares(torch.optim.Optimizer):
    ...
    v.mul_(beta2).add_(g * g, alpha=1 - beta2)           # of a complex g, this is not |g|**2""",
    theorem="second_moments_never_negative",
)
