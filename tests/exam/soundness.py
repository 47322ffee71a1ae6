"""A soundness run: right arithmetic in every order, at random hyper-parameters, against its declared model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exam.evaluation_orders import ORDERS, Hyper, Order, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.judgement import Judgement
from stepcheck_reference.oracle import judge

DTYPES = ("float16", "bfloat16", "float32", "float64")
REGIMES = ("normal", "uniform", "wide", "tiny", "sparse", "signs")


@dataclass
class Tally:
    """What one order and dtype came to: element-steps compared, and the worst ratio of each output."""

    compared: int
    skipped: int
    worst: dict[str, float]
    from_zero: float


def random_hyper(generator: np.random.Generator, *, still: bool = True) -> Hyper:
    """Return hyper-parameters anywhere in Adam's domain, the usual ones and the extremes included.

    ``still`` admits lr = 0, where the folded order is wrong rather than differently rounded: it divides 0 by 0.
    """
    betas = (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, float(generator.random()))
    return {
        "lr": float(10.0 ** generator.uniform(-6, 1)) if not still or generator.random() < 0.9 else 0.0,
        "beta1": float(generator.choice(betas)),
        "beta2": float(generator.choice(betas)),
        "eps": float(10.0 ** generator.uniform(-16, 0)),
    }


def examples(order: Order, dtype: str, *, seed: int, size: int, steps: int, count: int) -> Tally:
    """Judge ``count`` random scripts of ``size`` elements and ``steps`` steps; return what they came to."""
    generator = np.random.default_rng(seed)
    arithmetic = order.arithmetic(dtype)
    tally = Tally(0, 0, {}, 0.0)
    for number in range(count):
        regime = REGIMES[int(generator.integers(len(REGIMES)))]
        scale = float(2.0 ** generator.integers(-12, 6))
        hyper = random_hyper(generator, still=not arithmetic.folded)
        started = {"seed": seed * 1000 + number, "at_zero": bool(number % 2)}
        script = script_for(dtype, size=size, steps=steps, hyper=hyper, regime=regime, scale=scale, **started)
        trajectory = run(order.step, script, arithmetic)
        judgement: Judgement = judge(rules.find("adam"), script, trajectory, {dtype: arithmetic})
        tally.compared += judgement.compared
        tally.skipped += sum(judgement.not_compared.values())
        for output, deviation in judgement.worst.items():
            tally.worst[output] = max(tally.worst.get(output, 0.0), deviation.ratio)
        if judgement.worst_from_zero is not None:
            tally.from_zero = max(tally.from_zero, judgement.worst_from_zero.ratio)
    return tally


def pairs() -> list[tuple[Order, str]]:
    """Return every order with every dtype it is meant for."""
    return [(o, d) for o in ORDERS for d in DTYPES if not o.narrow_only or d in ("float16", "bfloat16")]
