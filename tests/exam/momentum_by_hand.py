"""Arithmetic written by hand for gradient descent, momentum and Rprop, in another way than the rules' equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mpmath import mpf

from exam.walks import GRADIENTS, START, Values, Walk


def gradients() -> Iterator[tuple[int, Any]]:
    return ((count, mpf(gradient)) for count, gradient in enumerate(GRADIENTS, 1))


def aged(weight: Any, values: Sequence[Any]) -> Any:
    """Return the sum of ``values``, the newest with weight 1 and each older one with ``weight`` as much."""
    return sum((weight**age * value for age, value in enumerate(reversed(values))), mpf(0))


def signed(value: Any) -> int:
    return (value > 0) - (value < 0)


def sgd(h: Values) -> Walk:
    x = mpf(START)
    for _, d in gradients():
        x = x - h["lr"] * d
        yield {"theta": x}


def sign_sgd(h: Values) -> Walk:
    signs = 0
    for _, d in gradients():
        signs += 1 if d > 0 else -1 if d < 0 else 0
        yield {"theta": mpf(START) - h["lr"] * signs}


def momentum(h: Values) -> Walk:
    x, buffer = mpf(START), None
    for _, d in gradients():
        buffer = d if buffer is None else h["momentum"] * buffer + (1 - h["dampening"]) * d
        x = x - h["lr"] * buffer
        yield {"theta": x, "b": buffer}


def momentum_lr_inside(h: Values) -> Walk:
    x, fall = mpf(START), mpf(0)
    for _, d in gradients():
        fall = h["momentum"] * fall - h["lr"] * d
        x = x + fall
        yield {"theta": x, "velocity": -fall}


def averaged(looks_ahead: bool) -> Callable[[Values], Walk]:
    def walk(h: Values) -> Walk:
        x, past_gradients = mpf(START), []
        for _, d in gradients():
            past_gradients.append(d)
            average = (1 - h["beta"]) * aged(h["beta"], past_gradients)
            x = x - h["lr"] * (h["beta"] * average + (1 - h["beta"]) * d if looks_ahead else average)
            yield {"theta": x, "M": average}

    return walk


def nesterov(h: Values) -> Walk:
    x, past_gradients = mpf(START), []
    for _, d in gradients():
        past_gradients.append(d)
        total = aged(h["momentum"], past_gradients)
        x = x - h["lr"] * (d + h["momentum"] * total)
        yield {"theta": x, "b": total}


def nesterov_lookahead(h: Values) -> Walk:
    """The gradient at y of curvature/2 * (y - low)**2, whose low is in the place of a gradient."""
    x, slopes = mpf(START), []
    for _, low in gradients():
        ahead = x - h["lr"] * sum(h["momentum"] ** (age + 1) * slope for age, slope in enumerate(reversed(slopes)))
        slopes.append(h["curvature"] * ahead - h["curvature"] * low)
        x = x - h["lr"] * aged(h["momentum"], slopes)
        yield {"theta": x, "b": aged(h["momentum"], slopes)}


def nesterov_gradient_difference(h: Values) -> Walk:
    x, past_gradients = mpf(START), []
    for _, d in gradients():
        past_gradients.append(d)
        buffer = d + h["beta"] * aged(h["beta"], past_gradients)
        x = x - h["lr"] * buffer
        yield {"theta": x, "M": buffer, "g_prev": d}


def lion(h: Values) -> Walk:
    x, past_gradients = mpf(START), []
    for _, d in gradients():
        before = (1 - h["beta2"]) * aged(h["beta2"], past_gradients)
        past_gradients.append(d)
        x = (1 - h["lr"] * h["weight_decay"]) * x - h["lr"] * signed(h["beta1"] * (before - d) + d)
        yield {"theta": x, "m": (1 - h["beta2"]) * aged(h["beta2"], past_gradients)}


def asgd(h: Values) -> Walk:
    """Rates and weights by the number of the step, and means over the parameters that they weigh."""

    def rate(count: int) -> Any:
        return h["lr"] / (1 + h["lambd"] * h["lr"] * count) ** h["alpha"]

    thetas: list[Any] = [mpf(START)]
    begin = int(h["t0"]) + 2
    for count, d in gradients():
        thetas.append(thetas[-1] - rate(count - 1) * (d + h["lambd"] * thetas[-1]))
        mean = thetas[-1] if count < begin else sum(thetas[begin:]) / (count - begin + 1)
        weight = mpf(1) / max(1, count + 2 - begin)
        yield {"theta": thetas[-1], "ax": mean, "eta": rate(count), "mu": weight}


def rprop(h: Values) -> Walk:
    x, size, last = mpf(START), h["lr"], mpf(0)
    for _, d in gradients():
        same = signed(d) * signed(last)
        size = {1: size * h["eta_plus"], -1: size * h["eta_minus"], 0: size}[same]
        size = h["step_max"] if size > h["step_max"] else h["step_min"] if size < h["step_min"] else size
        last = mpf(0) if same < 0 else d
        x = x - size * signed(last)
        yield {"theta": x, "g_prev": last, "step_size": size}


def rprop_optax(h: Values) -> Walk:
    x, size, due = mpf(START), h["lr"], mpf(0)
    for _, d in gradients():
        same = signed(d) * signed(due)
        x = x if same < 0 else x - due
        if same:
            size = size * (h["eta_plus"] if same > 0 else h["eta_minus"])
            size = min(max(size, h["step_min"]), h["step_max"])
        due = mpf(0) if same < 0 else size * signed(d)
        yield {"theta": x, "pending": due, "step_size": size}
