"""Monotone and nonnegative states: what a rule never lets decrease, or become negative, does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_reference.facts import monotone_states, nonnegative_states


def _proved(states: Mapping[Symbol, bool | None]) -> set[str]:
    return {str(state) for state, proved in states.items() if proved}


def _shows_monotone(facts: Facts) -> bool:
    return bool(_proved(monotone_states(facts.rule)) & facts.observed_states)


def _shows_nonnegative(facts: Facts) -> bool:
    return bool(_proved(nonnegative_states(facts.rule)) & facts.observed_states)


def _state_rows(
    evidence: Evidence, names: set[str]
) -> Iterator[tuple[int, str, NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield (tensor, name, values before and after each step, whether they are shown) of each state in ``names``.

    Tensors of companion dtypes are left out.
    """
    dtypes = {tensor.dtype for tensor in evidence.script.tensors[:1]}
    for index, trace in enumerate(evidence.trajectory.traces):
        if evidence.script.tensors[index].dtype not in dtypes:
            continue
        for name in sorted(names & trace.states.keys()):
            yield index, name, np.asarray(trace.states[name], np.float64), trace.present[name]


def _too_small(name: str, tensor: int, step: int, index: int, observed: float, least: float, why: str) -> Breach:
    message = f"{name}={observed!r}, but should be at least {least!r}, {why}"
    return wrong_real(name, tensor, step, index, observed, least, message)


def _check_monotone(evidence: Evidence) -> CheckOutcome:
    compared, breaches = 0, dict[str, Breach]()
    for tensor, name, values, present in _state_rows(evidence, _proved(monotone_states(evidence.rule))):
        both = (present[1:] & present[:-1])[:, None]
        compared += int(both.sum()) * values.shape[1]
        decreases = both & (values[1:] < values[:-1])
        if name not in breaches and decreases.any():
            row, column = (int(at) for at in np.argwhere(decreases)[0])
            pair = float(values[row + 1, column]), float(values[row, column])
            breaches[name] = _too_small(name, tensor, row + 1, column, *pair, "as before the step")
    return CheckOutcome(compared, tuple(breaches.values()))


def _check_nonnegative(evidence: Evidence) -> CheckOutcome:
    compared, breaches = 0, dict[str, Breach]()
    for tensor, name, values, present in _state_rows(evidence, _proved(nonnegative_states(evidence.rule))):
        compared += int(present.sum()) * values.shape[1]
        negative = present[:, None] & (values < 0.0)
        if name not in breaches and negative.any():
            row, column = (int(at) for at in np.argwhere(negative)[0])
            breaches[name] = _too_small(name, tensor, row, column, float(values[row, column]), 0.0, "at every step")
    return CheckOutcome(compared, tuple(breaches.values()))


MONOTONE_STATES = Law(
    code="SC301",
    title="a state that the rule never decreases does not decrease",
    sentence="A state whose new value is a maximum with the old one, or the old one plus a square, does not decrease "
    "in any step.",
    source="Reddi, Kale & Kumar 2018, Algorithm 2 (v_max); Duchi, Hazan & Singer 2011, Figure 1 (the sum of squares)",
    since="0.2",
    applies=_shows_monotone,
    check=_check_monotone,
    condition="a state is proved never to decrease, and the adapter maps it",
    unit="reals",
    mathematics="""\
v_max <- max(v_max, v), and h <- h + g**2. Rounding is monotone: fl(h + x) >= fl(h) = h for every x >= 0, so the
floating-point state does not decrease either, not by a bit. The law is about the state: torch divides v_max by 1 -
beta2**t, which grows, after the maximum is taken, and that divisor does decrease when gradients vanish (g = 1, 0, 0: 1,
0.71, 0.58).""",
    remedy="""\
Print the state after each step. It decreases if a maximum is returned and not stored, if a sum is multiplied by a
decay, or if a reload rounds the state to a narrower dtype.""",
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
    sentence="A state that is proved never to be negative, such as an average or a sum of squares, is not negative at "
    "any step.",
    source="Kingma & Ba 2015, Algorithm 1; sums and averages of squares",
    since="0.2",
    applies=_shows_nonnegative,
    check=_check_nonnegative,
    condition="a state is proved never to be negative, and the adapter maps it",
    unit="reals",
    mathematics="""\
beta*v + (1 - beta)*g**2 with 0 <= beta < 1 is a sum of two nonnegative numbers, and rounding is monotone: neither the
products nor the sum can be rounded below 0, nor can v + (1 - beta)*(g**2 - v). Its square root is therefore a number.
For a complex parameter the squares are those of its real and imaginary parts.""",
    remedy="""\
Look for g*g of a complex gradient, whose real part can be negative, for a variance that is computed as a difference,
and for a moment that is stored with the sign of the gradient.""",
    example="""\
class ComplexSquares(torch.optim.Optimizer):
    ...
    v.mul_(beta2).add_(g * g, alpha=1 - beta2)           # for a complex g this is not |g|**2""",
    theorem="second_moments_never_negative",
)
