"""Correct arithmetic in several evaluation orders, which the oracle must never call broken.

Each order computes one step of Adam with NumPy, rounding after every operation to the subject's format
(binary32 operations on narrow tensors for the fused one), with its scalars as the order's arithmetic
declares them. The wrong variants are those that it must not accept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY32, FORMATS, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Drawn, Group, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

Reals = NDArray[np.float64]
Hyper = dict[str, float]
State = tuple[Reals, Reals, Reals]


@dataclass(frozen=True)
class Order:
    """One way to compute Adam's step: (round, scalar, theta, m, v, g, t, hyper) -> (theta, m, v)."""

    name: str
    arithmetic: Callable[[str], Arithmetic]
    step: Callable[..., State]
    narrow_only: bool = False


def _scalar(form: Format) -> Callable[[float], float]:
    entry = form if form.name == "float64" else BINARY32
    return lambda value: float(entry.round(np.asarray(value)))


def textbook(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    m = rd(rd(sc(h["beta1"]) * m) + rd(sc(1 - h["beta1"]) * g))
    v = rd(rd(sc(h["beta2"]) * v) + rd(sc(1 - h["beta2"]) * rd(g * g)))
    m_hat = rd(m / sc(1 - h["beta1"] ** t))
    v_hat = rd(v / sc(1 - h["beta2"] ** t))
    return rd(theta - rd(rd(sc(h["lr"]) * m_hat) / rd(rd(np.sqrt(v_hat)) + sc(h["eps"])))), m, v


def step_last(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    m = rd(rd(sc(1 - h["beta1"]) * g) + rd(m * sc(h["beta1"])))
    v = rd(rd(rd(sc(1 - h["beta2"]) * g) * g) + rd(v * sc(h["beta2"])))
    denominator = rd(rd(rd(np.sqrt(v)) / sc((1 - h["beta2"] ** t) ** 0.5)) + sc(h["eps"]))
    return rd(theta - rd(rd(rd(m / denominator) / sc(1 - h["beta1"] ** t)) * sc(h["lr"]))), m, v


def lerped(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    weight = sc(1 - h["beta1"])
    m = rd(m + rd(weight * rd(g - m))) if weight < 0.5 else rd(g - rd(rd(g - m) * rd(1 - weight)))
    v = rd(rd(v * sc(h["beta2"])) + rd(rd(sc(1 - h["beta2"]) * g) * g))
    denominator = rd(rd(rd(np.sqrt(v)) / sc((1 - h["beta2"] ** t) ** 0.5)) + sc(h["eps"]))
    return rd(theta + rd(rd(sc(-h["lr"] / (1 - h["beta1"] ** t)) * m) / denominator)), m, v


def folded(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    single = np.float32
    first = single(1) - np.power(single(h["beta1"]), single(t))
    second = np.sqrt(single(1) - np.power(single(h["beta2"]), single(t)))
    negated = -(single(h["lr"]) / first)
    m = rd(rd(sc(h["beta1"]) * m) + rd(sc(1 - h["beta1"]) * g))
    v = rd(rd(sc(h["beta2"]) * v) + rd(sc(1 - h["beta2"]) * rd(g * g)))
    denominator = rd(rd(rd(np.sqrt(v)) / float(second * negated)) + float(single(h["eps"]) / negated))
    return rd(theta + rd(m / denominator)), m, v


def _fused_arithmetic(dtype: str) -> Arithmetic:
    return plain(dtype).with_(operations=BINARY32)


def _folded_arithmetic(dtype: str) -> Arithmetic:
    return plain(dtype).with_(counted=BINARY32, folded=True, power_ulps=2.0)


ORDERS = (
    Order("textbook", plain, textbook),
    Order("step size last", plain, step_last),
    Order("lerp", lambda dtype: plain(dtype).with_(lerp=True), lerped),
    Order("capturable style, float32 scalars", _folded_arithmetic, folded),
    Order("fused float32 arithmetic", _fused_arithmetic, step_last, narrow_only=True),
)
"""Every right order, with the arithmetic it declares."""


def eps_inside(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    m_hat, v_hat = rd(m / sc(1 - h["beta1"] ** t)), rd(v / sc(1 - h["beta2"] ** t))
    return rd(theta - rd(rd(sc(h["lr"]) * m_hat) / rd(np.sqrt(rd(v_hat + sc(h["eps"])))))), m, v


def eps_hat(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    size = h["lr"] * (1 - h["beta2"] ** t) ** 0.5 / (1 - h["beta1"] ** t)
    return rd(theta - rd(rd(sc(size) * m) / rd(rd(np.sqrt(v)) + sc(h["eps"])))), m, v


def no_second_correction(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    _, m, v = textbook(rd, sc, theta, m, v, g, t, h)
    m_hat = rd(m / sc(1 - h["beta1"] ** t))
    return rd(theta - rd(rd(sc(h["lr"]) * m_hat) / rd(rd(np.sqrt(v)) + sc(h["eps"])))), m, v


def counter_frozen_at_256(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    return textbook(rd, sc, theta, m, v, g, min(t, 256), h)


def swapped_betas(rd, sc, theta, m, v, g, t, h):  # type: ignore[no-untyped-def]
    return textbook(rd, sc, theta, m, v, g, t, h | {"beta1": h["beta2"], "beta2": h["beta1"]})


WRONG = (eps_inside, eps_hat, no_second_correction, swapped_betas)
"""Variants that differ from Adam where t or eps matters."""


def script_for(
    dtype: str, *, size: int, steps: int, hyper: Hyper, regime: str, scale: float, seed: int, at_zero: bool = False
) -> Script:
    """Return a script of one tensor with a drawn gradient a step; ``at_zero`` starts and resets theta at 0."""
    initial = Drawn("normal", seed, 0.0 if at_zero else 1.0)
    reset = ((0, Drawn("constant", 0, 0.0)),) if at_zero else ()
    drawn = tuple(
        Step((Drawn(regime, seed * 4096 + number, scale),), overwrite=reset) for number in range(1, steps + 1)
    )
    return Script((Tensor((size,), dtype, initial),), (Group((0,), hyper),), drawn)


def run(order: Callable[..., State], script: Script, arithmetic: Arithmetic) -> Trajectory:
    """Return what ``order`` does on a one-tensor ``script``, states observed."""
    tensor, hyper = script.tensors[0], dict(script.groups[0].hyper)
    storage, operations = arithmetic.storage, arithmetic.operations
    theta = expand(tensor.initial, tensor.size, tensor.dtype)
    m, v = np.zeros(tensor.size), np.zeros(tensor.size)
    before, after, ms, vs = [], [], [m], [v]
    scalar = _scalar(FORMATS[tensor.dtype])
    with np.errstate(all="ignore"):
        for t, step in enumerate(script.steps, 1):
            for _, data in step.overwrite:
                theta = expand(data, tensor.size, tensor.dtype)
            data = step.gradients[0]
            assert data is not None
            before.append(theta)
            g = expand(data, tensor.size, tensor.dtype)
            theta, m, v = (storage.round(x) for x in order(operations.round, scalar, theta, m, v, g, t, hyper))
            after.append(theta)
            ms.append(m)
            vs.append(v)
    present = np.ones(len(script.steps) + 1, dtype=np.bool_)
    trace = Trace(
        np.array(before), np.array(after), {"m": np.array(ms), "v": np.array(vs)}, {"m": present, "v": present},
        np.arange(len(script.steps) + 1, dtype=np.float64),
    )  # fmt: skip
    return Trajectory((trace,), len(script.steps), None, ("m", "v"))
