"""Variant: one combination of the choices in which optimizers of one family differ, and the step that it takes.

A step is the parameter, decayed, less the rate times a numerator over a divisor: the numerator is the gradient or
something gathered from gradients, the divisor comes from their squares. Each choice is a word; ``words.py`` says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepcheck_reference.identify.evaluation.operations import Operations

Values = Mapping[str, Any]
"""Hyper-parameters by slot (see ``SLOTS``), or states by letter."""

SLOTS = ("lr", "beta1", "beta2", "dampening", "eps", "eps_root", "start", "weight_decay", "lr_decay", "initial_lr")
"""The hyper-parameters that variants use."""


@dataclass(frozen=True, slots=True)
class Numerator:
    """What a step goes along: ``buffer`` gathers gradients, ``correction`` divides it, ``ahead`` looks ahead."""

    buffer: str = "gradient"
    correction: str = "none"
    ahead: str = "none"
    sign: bool = False
    old: bool = False


@dataclass(frozen=True, slots=True)
class Divisor:
    """What a step is divided by: ``moment`` gathers squares, ``eps`` keeps them from 0, ``root`` is taken of them."""

    moment: str = "none"
    correction: str = "none"
    eps: str = "none"
    root: str = "root"
    old: bool = False
    start: str = "zero"


@dataclass(frozen=True, slots=True)
class Variant:
    """A numerator, a divisor, and how theta is moved by them; ``behind``: the buffer gathers divided gradients."""

    numerator: Numerator = field(default_factory=Numerator)
    divisor: Divisor = field(default_factory=Divisor)
    behind: bool = False
    decay: str = "none"
    sign: str = "descend"
    rate: str = "constant"


RATE_INSIDE = ("rate_inside", "average_rate_inside")
"""Buffers that hold the learning rate of each gradient."""


def correction(kind: str, beta: Any, t: Any, o: Operations) -> Any:
    """Return the bias correction that a moment is divided by."""
    if kind == "none":
        return 1
    return 1 - o.power(beta, t + {"t": 0, "t_minus_1": -1, "t_plus_1": 1}[kind])


def gathered(kind: str, o: Operations, m: Any, g: Any, t: Any, p: Values) -> tuple[Any, Any]:
    """Return the new buffer, and the weight that it gives to the newest gradient."""
    beta = p["beta1"]
    if kind == "sum":
        return beta * m + g, 1
    if kind == "damped":
        return o.select(o.first(t), g, beta * m + (1 - p["dampening"]) * g), 1
    if kind == "damped_always":
        return beta * m + (1 - p["dampening"]) * g, 1 - p["dampening"]
    if kind == "average":
        return beta * m + (1 - beta) * g, 1 - beta
    if kind == "average_first":
        return o.select(o.first(t), g, beta * m + (1 - beta) * g), 1 - beta
    if kind == "rate_inside":
        return beta * m + p["lr"] * g, p["lr"]
    if kind == "average_rate_inside":
        return beta * m + (1 - beta) * p["lr"] * g, (1 - beta) * p["lr"]
    return p["beta2"] * m + (1 - p["beta2"]) * g, 1 - beta  # two_betas: the direction takes other weights


def numerator_step(n: Numerator, o: Operations, state: Values, g: Any, t: Any, p: Values) -> tuple[dict[str, Any], Any]:
    """Return new states, and what the step goes along."""
    if n.buffer == "gradient":
        return {}, o.sign(g) if n.sign else g
    m, beta = state["m"], p["beta1"]
    new, weight = gathered(n.buffer, o, m, g, t, p)
    used = m if n.old else new
    divisor = correction(n.correction, beta, t, o)
    if n.buffer == "two_betas":
        along = beta * m + weight * g
    elif n.ahead == "none":
        along = o.divide(used, divisor)
    elif n.ahead == "nesterov":
        along = o.divide(beta * used + weight * g, divisor)
    elif n.ahead == "next_correction":
        along = o.divide(beta * used, correction("t_plus_1", beta, t, o)) + o.divide(weight * g, divisor)
    else:
        along = beta * o.divide(used, divisor) + weight * g
    return {"m": new}, o.sign(along) if n.sign else along


def divisor_step(d: Divisor, o: Operations, state: Values, g: Any, t: Any, p: Values) -> tuple[dict[str, Any], Any]:
    """Return new states, and what the step is divided by; ``state`` has the new first moment as ``m_new``."""
    if d.moment == "none":
        return {}, 1
    v, beta, eps = state["v"], p["beta2"], p["eps"]
    size = o.absolute(g) if d.moment == "infinity" else g**2
    if d.eps == "in_square":
        size = size + eps
    new: dict[str, Any] = {}
    if d.moment == "infinity":
        v_new = o.maximum(beta * v, size)
    elif d.moment == "sum":
        v_new = v + size
    elif d.moment == "yogi":
        v_new = v - (1 - beta) * o.sign(v - size) * size
    elif d.moment == "average_first":
        v_new = o.select(o.first(t), size, beta * v + (1 - beta) * size)
    else:
        if d.moment in ("spread", "spread_old"):
            size = (g - state["m_new" if d.moment == "spread" else "m"]) ** 2
        v_new = beta * v + (1 - beta) * size
    if d.eps in ("recurrence", "recurrence_outside"):
        v_new = v_new + eps
    elif d.eps == "recurrence_root":
        v_new = v_new + p["eps_root"]
    new["v"] = v_new
    c = correction(d.correction, beta, t, o)
    value = v if d.old else v_new
    if d.moment == "centered":
        new["a"] = beta * state["a"] + (1 - beta) * g
        value = value - (state["a"] if d.old else new["a"]) ** 2
    elif d.moment == "max_raw":
        new["v_max"] = o.maximum(state["v_max"], value)
        value = new["v_max"]
    elif d.moment == "max_corrected":
        new["v_max"] = o.maximum(state["v_max"], o.divide(value, c))
        value, c = new["v_max"], 1
    return new, _kept_from_zero(d, o, value, c, p)


def _kept_from_zero(d: Divisor, o: Operations, value: Any, c: Any, p: Values) -> Any:
    """Return the root of the corrected ``value`` with eps in its place."""
    eps = p["eps"]

    def root(part: Any) -> Any:
        return part if d.root == "none" or d.moment == "infinity" else o.sqrt(part)

    def corrected(part: Any) -> Any:
        return o.divide(part, c)

    if d.eps in ("outside", "recurrence_outside", "recurrence_root"):
        return root(corrected(value)) + eps
    if d.eps == "inside":
        return root(corrected(value) + eps)
    if d.eps == "inside_before":
        return root(corrected(value + eps))
    if d.eps == "hat":
        return o.divide(root(value) + eps, root(c))
    if d.eps == "both":
        return root(corrected(value) + eps) + eps
    if d.eps == "eps_root":
        return root(corrected(value) + p["eps_root"]) + eps
    if d.eps == "floor":
        return o.maximum(root(corrected(value)), eps)
    if d.eps == "floor_inside":
        return root(o.maximum(corrected(value), eps))
    if d.eps == "square":
        return root(corrected(value) + eps**2)
    return root(corrected(value))


def direction(variant: Variant, o: Operations, state: Values, g: Any, t: Any, p: Values, shift: Any = 0) -> Any:
    """Return new states and numerator over divisor; ``shift`` is added to the gradient of the first moment alone."""
    along = g + shift
    if variant.behind:
        new, divisor = divisor_step(variant.divisor, o, state, g, t, p)
        more, numerator = numerator_step(variant.numerator, o, state, o.divide(along, divisor), t, p)
        return {**new, **more}, numerator, 1
    new, numerator = numerator_step(variant.numerator, o, state, along, t, p)
    more, divisor = divisor_step(variant.divisor, o, {**state, "m_new": new.get("m", g)}, g, t, p)
    return {**new, **more}, numerator, divisor


def take(
    variant: Variant, o: Operations, theta: Any, state: Values, g: Any, t: Any, p: Values
) -> tuple[Any, dict[str, Any]]:
    """Return the new theta and the new states."""
    decay, rate = variant.decay, p["lr"]
    if variant.rate == "falls":
        rate = rate / (1 + (t - 1) * p["lr_decay"])
    elif variant.rate == "root":
        rate = rate / o.sqrt(t)
    shrinkage = p["weight_decay"] if decay != "none" else 0
    slope = -g if variant.sign == "ascend" else g
    if decay == "coupled":
        slope = slope + shrinkage * theta
    shift = shrinkage * theta if decay == "first_moment" else 0
    new, numerator, divisor = direction(variant, o, state, slope, t, {**p, "lr": rate}, shift)
    if decay == "in_ratio":
        numerator = numerator + shrinkage * theta
    step = o.divide(numerator, divisor)
    if variant.numerator.buffer not in RATE_INSIDE:
        step = rate * step
    if variant.sign == "added":
        step = -step
    return _decayed(decay, theta, step, rate, shrinkage, p), new


def _decayed(decay: str, theta: Any, step: Any, rate: Any, shrinkage: Any, p: Values) -> Any:
    if decay == "decoupled":
        return theta * (1 - rate * shrinkage) - step
    if decay == "decoupled_paper":
        return theta * (1 - shrinkage) - step
    if decay == "after_step":
        return (theta - step) * (1 - rate * shrinkage)
    if decay == "after_step_paper":
        return (theta - step) * (1 - shrinkage)
    if decay == "proximal":
        return (theta - step) / (1 + rate * shrinkage)
    if decay == "constant":
        return theta - rate * shrinkage - step
    if decay == "initial_rate":
        return theta * (1 - shrinkage * rate / p["initial_lr"]) - step
    if decay == "added":
        return theta * (1 + rate * shrinkage) - step
    return theta - step
