"""Arithmetic written by hand for adaptive rules, in another way than the rules' equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mpf

from exam.momentum_by_hand import aged, gradients
from exam.walks import START, Values, Walk


def adagrad(
    divisor: Callable[[Values, Any], Any], *, start: str = "", decayed: bool = False, falls: bool = False
) -> Callable[[Values], Walk]:
    def walk(h: Values) -> Walk:
        x, squares = mpf(START), [h[start] if start else mpf(0)]
        for count, d in gradients():
            gradient = d + h["weight_decay"] * x if decayed else d
            squares.append(gradient * gradient)
            rate = h["lr"] / (1 + h["lr_decay"] * (count - 1)) if falls else h["lr"]
            below = divisor(h, sum(squares))
            x = x - (rate * gradient / below if below else 0)
            yield {"theta": x, "h": sum(squares)}

    return walk


def root_and_eps(h: Values, total: Any) -> Any:
    return mpmath.sqrt(total) + h["eps"]


def eps_in_root(h: Values, total: Any) -> Any:
    return mpmath.sqrt(total + h["eps"])


def rmsprop(
    divisor: Callable[[Values, Any], Any],
    *,
    centered: bool = False,
    start: str = "",
    buffer: str = "",
    lr_inside: bool = False,
) -> Callable[[Values], Walk]:
    """Return a walk over sums; ``buffer`` names the momentum buffer, which holds the rate too with ``lr_inside``."""

    def walk(h: Values) -> Walk:
        keep = h["beta2"]
        first = h[start] if start in h else mpf(start or 0)
        x, past_gradients, steps = mpf(START), [], []
        for count, d in gradients():
            past_gradients.append(d)
            squares = keep**count * first + (1 - keep) * aged(keep, [past * past for past in past_gradients])
            mean = (1 - keep) * aged(keep, past_gradients)
            steps.append(d / divisor(h, squares - mean * mean if centered else squares))
            update = aged(h["momentum"], steps) if buffer else steps[-1]
            x = x - h["lr"] * update
            values = {"theta": x, "v": squares} | ({"a": mean} if centered else {})
            yield values | ({buffer: h["lr"] * update if lr_inside else update} if buffer else {})

    return walk


def adadelta(h: Values) -> Walk:
    keep = h["rho"]
    x, past_gradients, updates = mpf(START), [], []
    for _, d in gradients():
        past_gradients.append(d)
        squares = (1 - keep) * aged(keep, [past**2 for past in past_gradients])
        before = (1 - keep) * keep**0 * aged(keep, [update**2 for update in updates])
        updates.append(d * mpmath.sqrt((before + h["eps"]) / (squares + h["eps"])))
        x = x - h["lr"] * updates[-1]
        yield {"theta": x, "v": squares, "x": (1 - keep) * aged(keep, [update**2 for update in updates])}


def adamax(inside: bool) -> Callable[[Values], Walk]:
    """The norm is the largest of all gradients so far, each weighed by its age."""

    def walk(h: Values) -> Walk:
        x, past_gradients = mpf(START), []
        for count, d in gradients():
            past_gradients.append(d)
            first, _ = moments(h, past_gradients)
            weight, _ = corrected(h, count)
            eps = h["eps"] if inside else 0
            largest = max(h["beta2"] ** age * (abs(past) + eps) for age, past in enumerate(reversed(past_gradients)))
            x = x - h["lr"] * (first / weight) / (largest if inside else largest + h["eps"])
            yield {"theta": x, "m": first, "u": largest}

    return walk


def nadam(*, decayed: str = "") -> Callable[[Values], Walk]:
    """Dozat's bracket over one divisor, the product of the schedule taken afresh at each step."""

    def scheduled(h: Values, count: int) -> Any:
        return h["beta1"] - h["beta1"] * mpf(0.96) ** (count * h["momentum_decay"]) / 2

    def walk(h: Values) -> Walk:
        x, past_gradients = mpf(START), []
        for count, d in gradients():
            past_gradients.append(d + h["weight_decay"] * x if decayed == "coupled" else d)
            first, second = moments(h, past_gradients)
            _, weight = corrected(h, count)
            product = mpmath.fprod(scheduled(h, step) for step in range(1, count + 1))
            after = product * scheduled(h, count + 1)
            bracket = (1 - scheduled(h, count)) / (1 - product) * past_gradients[-1]
            bracket += scheduled(h, count + 1) / (1 - after) * first
            shrunk = h["lr"] * h["weight_decay"] * x if decayed == "decoupled" else 0
            x = x - shrunk - h["lr"] * bracket / (mpmath.sqrt(second / weight) + h["eps"])
            yield {"theta": x, "m": first, "v": second, "mu_product": product}

    return walk


def nadam_fixed(ahead: int) -> Callable[[Values], Walk]:
    """``ahead`` is how many steps further than the gradient's the moment's correction is."""

    def walk(h: Values) -> Walk:
        x, past_gradients = mpf(START), []
        for count, d in gradients():
            past_gradients.append(d)
            first, second = moments(h, past_gradients)
            now, weight = corrected(h, count)
            later, _ = corrected(h, count + ahead)
            step = h["beta1"] * first / later + (1 - h["beta1"]) * d / now
            x = x - h["lr"] * step / (mpmath.sqrt(second / weight) + h["eps"])
            yield {"theta": x, "m": first, "v": second}

    return walk


def radam(
    switched: Callable[[Any], bool], *, eps_at: str = "raw", rests: bool = False, decayed: bool = False
) -> Callable[[Values], Walk]:
    """``eps_at`` is the root that eps is added to: of the raw or of the corrected moment."""

    def walk(h: Values) -> Walk:
        x, past_gradients = mpf(START), []
        last = (1 + h["beta2"]) / (1 - h["beta2"])
        for count, d in gradients():
            past_gradients.append(d + h["weight_decay"] * x if decayed else d)
            first, second = moments(h, past_gradients)
            weight1, weight2 = corrected(h, count)
            length = last - 2 * count * h["beta2"] ** count / weight2
            step = first / weight1
            if switched(length):
                ratio = (length - 4) / (last - 4) * ((length - 2) / (last - 2)) * (last / length)
                raw = (mpmath.sqrt(second) + h["eps"]) / mpmath.sqrt(weight2)
                step *= mpmath.sqrt(ratio) / (raw if eps_at == "raw" else mpmath.sqrt(second / weight2) + h["eps"])
            if rests:
                step = step + h["weight_decay"] * x if switched(length) else 0
            x = x - h["lr"] * step
            yield {"theta": x, "m": first, "v": second}

    return walk


def moments(h: Values, past_gradients: list[Any]) -> tuple[Any, Any]:
    """Return both raw moments as weighted sums over all gradients past_gradients, not as recurrences."""
    first = (1 - h["beta1"]) * aged(h["beta1"], past_gradients)
    second = (1 - h["beta2"]) * aged(h["beta2"], [past * past for past in past_gradients])
    return first, second


def corrected(h: Values, count: int) -> tuple[Any, Any]:
    """Return the sums of the weights, 1 - beta**t, added up term by term."""
    weights = [(1 - h[name]) * sum(h[name] ** age for age in range(count)) for name in ("beta1", "beta2")]
    return weights[0], weights[1]


def adam_like(
    divisor: Callable[[Values, Any, Any], Any],
    *,
    largest: str = "",
    seen_gradient: Callable[[Values, Any, Any], Any] = lambda h, x, d: d,
    shrunk: Callable[[Values, Any], Any] = lambda h, x: x,
    correct_first: bool = True,
) -> Callable[[Values], Walk]:
    """Return a walk that divides the first moment by ``divisor(h, moment, sum of weights)``."""

    def walk(h: Values) -> Walk:
        x, top = mpf(START), mpf(0)
        past_gradients: list[Any] = []
        for count, d in gradients():
            past_gradients.append(seen_gradient(h, x, d))
            first, second = moments(h, past_gradients)
            weight1, weight2 = corrected(h, count)
            top = max(top, second / weight2 if largest == "corrected" else second)
            below = divisor(h, top if largest else second, weight2)
            x = shrunk(h, x) - h["lr"] * first / (weight1 if correct_first else 1) / below
            yield {"theta": x, "m": first, "v": second} | ({"v_max": top} if largest else {})

    return walk


def outside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight) + h["eps"]


def hat(h: Values, second: Any, weight: Any) -> Any:
    return (mpmath.sqrt(second) + h["eps"]) / mpmath.sqrt(weight)


def inside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight + h["eps"])


def raw(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second) + h["eps"]
