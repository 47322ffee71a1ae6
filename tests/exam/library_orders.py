"""Correct arithmetic of libraries other than torch: each order with the error term that it needs, and without.

An order computes one step of Adam, or of Adam with eps inside, with NumPy; see ``evaluation_orders``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exam.evaluation_orders import Hyper, State, textbook
from stepcheck_reference.formats import BINARY32, FORMATS, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Habit:
    """An order that keeps ``rule`` in ``arithmetic``, and is beyond its radius ``without`` the figure it is about.

    ``tiny`` gives it gradients near the smallest numbers, ``steps`` as many as it takes to show; ``hyper`` are its
    hyper-parameters (None: any).
    """

    name: str
    dtype: str
    arithmetic: Arithmetic
    without: Arithmetic
    step: Callable[..., State]
    rule: str = "adam"
    tiny: bool = False
    steps: int = 12
    hyper: Hyper | None = None


OFF = 40
"""Units in the last place by which reciprocals below are off, so that it shows in one step."""


def _off(values: Reals, towards: Reals) -> Reals:
    """Return binary32 ``values`` moved ``OFF`` units in the last place away from 0 where ``towards`` is positive."""
    return values + np.where(towards > 0, OFF, -OFF) * np.ldexp(1.0, np.frexp(values)[1] - 24)


def _flushing(threshold: float) -> Callable[..., State]:
    def flush(values: Reals) -> Reals:
        return np.where(np.abs(values) < threshold, 0.0, values)

    def step(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
        read = [flush(values) for values in (theta, m, v, g)]
        return textbook(lambda values: flush(rd(values)), sc, *read, t, h)

    return step


def _inverted(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    m_hat, v_hat = rd(m / sc(1 - h["beta1"] ** t)), rd(v / sc(1 - h["beta2"] ** t))
    inverse = _off(rd(1 / rd(rd(np.sqrt(v_hat)) + sc(h["eps"]))), m_hat)
    return rd(theta - rd(sc(h["lr"]) * rd(inverse * m_hat))), m, v


def _inverse_root(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    m_hat, v_hat = rd(m / sc(1 - h["beta1"] ** t)), rd(v / sc(1 - h["beta2"] ** t))
    inverse = _off(rd(1 / np.sqrt(rd(v_hat + sc(h["eps"])))), m_hat)
    return rd(theta - rd(sc(h["lr"]) * rd(inverse * m_hat))), m, v


def _squared(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    def power(base: float) -> float:
        single, exponent = np.float32(base), t
        product = np.float32(1)
        while exponent:
            product = product * single if exponent & 1 else product
            single, exponent = single * single, exponent >> 1
        return float(np.float32(1) - product)

    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    m_hat, v_hat = rd(m / power(h["beta1"])), rd(v / power(h["beta2"]))
    return rd(theta - rd(rd(sc(h["lr"]) * m_hat) / rd(rd(np.sqrt(v_hat)) + sc(h["eps"])))), m, v


def _incremented(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    new = rd(v + rd(sc(1 - h["beta2"]) * rd(rd(g * g) - v)))
    m = rd(m + rd(sc(1 - h["beta1"]) * rd(g - m)))
    m_hat, v_hat = rd(m / sc(1 - h["beta1"] ** t)), rd(new / sc(1 - h["beta2"] ** t))
    return rd(theta - rd(rd(sc(h["lr"]) * m_hat) / rd(rd(np.sqrt(v_hat)) + sc(h["eps"])))), m, new


def _entering(form: Format) -> Callable[..., State]:
    def narrow(value: float) -> float:
        return float(form.round(BINARY32.round(np.asarray(value))))

    def step(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
        return textbook(rd, narrow, theta, m, v, g, t, h)

    return step


def _in_float32(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    single = BINARY32.round
    return textbook(single, lambda value: float(single(np.asarray(value))), *map(single, (theta, m, v, g)), t, h)


def _flushed(dtype: str) -> Habit:
    threshold = max(FORMATS[dtype], BINARY32, key=lambda form: form.precision).smallest_normal
    return Habit(
        f"flushed {dtype}", dtype, plain(dtype).with_(flush=threshold), plain(dtype), _flushing(threshold), tiny=True
    )


_COUNTED = plain("float32").with_(counted=BINARY32, power_ulps=1.0)
_ALL_AVERAGES = plain("float32").with_(lerp=True, squares=True, increments=True)
_NARROW = plain("bfloat16").with_(entry=FORMATS["bfloat16"], relay=BINARY32)
_SINGLE = plain("float64").with_(read=BINARY32, storage=BINARY32, operations=BINARY32, entry=BINARY32, states=BINARY32)

SQUARED = Habit(
    "powers by squaring",
    "float32",
    _COUNTED.with_(squared=True),
    _COUNTED,
    _squared,
    steps=200,
    hyper={"lr": 0.1, "beta1": 0.9987, "beta2": 0.9, "eps": 1e-8},
)
"""Its figure is no more than what rounding beta to binary32 may cost too, so that it does not show without it."""

HABITS = (
    _flushed("bfloat16"),
    _flushed("float32"),
    _flushed("float64"),
    Habit("reciprocal", "float32", plain("float32").with_(reciprocal_ulps=OFF + 0.5), plain("float32"), _inverted),
    Habit(
        "inverse root", "float32", plain("float32").with_(inverse_root_ulps=OFF + 0.5), plain("float32"),
        _inverse_root, "adam_eps_inside",
    ),
    Habit("increments", "float32", _ALL_AVERAGES, _ALL_AVERAGES.with_(squares=False), _incremented),
    Habit("narrow scalars", "bfloat16", _NARROW, plain("bfloat16"), _entering(FORMATS["bfloat16"])),
    Habit("float32 inside", "float64", _SINGLE, plain("float64"), _in_float32),
)  # fmt: skip
"""Every order of another library, with its figure."""
