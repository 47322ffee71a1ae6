"""A soundness run: right arithmetic in every order, at random hyper-parameters, against its declared model.

Adam in the orders that are written out, and any rule in orders drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from exam import any_order
from exam.evaluation_orders import ORDERS, Hyper, Order, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.formats import BINARY32, BINARY64
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Quadratic

DTYPES = ("float16", "bfloat16", "float32", "float64")
REGIMES = ("normal", "uniform", "wide", "tiny", "sparse", "signs")


@dataclass
class Tally:
    """What one order and dtype came to: element-steps compared, and the worst ratio of each output."""

    compared: int
    skipped: int
    worst: dict[str, float]
    from_zero: float

    def add(self, judgement: Judgement) -> None:
        """Count one more judgement; results that do not depend on rounding must be exact."""
        assert not judgement.counts, judgement.counts
        assert not judgement.initials, judgement.initials
        self.compared += judgement.compared
        self.skipped += sum(judgement.not_compared.values())
        for output, deviation in judgement.worst.items():
            self.worst[output] = max(self.worst.get(output, 0.0), deviation.ratio)
        if judgement.worst_from_zero is not None:
            self.from_zero = max(self.from_zero, judgement.worst_from_zero.ratio)


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
        tally.add(judgement)
    return tally


WEIGHTS = (0.0, 0.25, 0.5, 0.6, 0.9, 0.95, 0.99, 0.999, 0.9999)
CHOICES: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("beta", "beta1", "beta2", "beta3", "rho"), WEIGHTS),
    **dict.fromkeys(("nu", "nu1", "nu2"), (0.0, 0.7, 1.0)),
    "momentum": (0.1, 0.5, 0.9, 0.99),
    "dampening": (0.0, 0.1, 0.5),
    "momentum_decay": (0.0, 0.004, 0.1, 1.0),
    "eta_minus": (0.3, 0.5, 0.9),
    "eta_plus": (1.2, 1.5, 2.0),
    "step_min": (0.0, 1e-6, 1e-3),
    "step_max": (0.3, 50.0),
    "t0": (0.0, 1.0, 4.0),
    "alpha": (0.5, 0.75, 1.0),
    "initial_accumulator": (0.0, 0.1, 1.0),
}
POWERS = {"lr": (-5.0, 0.5), "eps": (-16.0, 0.0), "eps_root": (-16.0, 0.0), "initial_lr": (-1.0, 0.5)}
"""Decimal exponents; of all others between -4 and -0.3."""


def hyper_anywhere(rule: Rule, generator: np.random.Generator) -> Hyper:
    """Return hyper-parameters of ``rule`` from all over their domains, those at the edges too."""

    def drawn(name: str) -> float:
        if name in CHOICES:
            return float(generator.choice(CHOICES[name]))
        return float(10.0 ** generator.uniform(*POWERS.get(name, (-4.0, -0.3))))

    return {symbol.name: drawn(symbol.name) for symbol in rule.hyper}


ARITHMETICS: dict[str, Callable[[str], Arithmetic]] = {
    "plain": plain,
    "binary32 operations": lambda dtype: plain(dtype).with_(operations=BINARY32),
    "scalars in tensors": lambda dtype: plain(dtype).with_(counted=BINARY32, entry=_narrow(dtype), power_ulps=2.0),
    "lerps": lambda dtype: plain(dtype).with_(lerp=True, squares=True, increments=True),
}
"""Arithmetics in which rules are computed in any order; binary32 operations are for narrower tensors."""


def _narrow(dtype: str) -> object:
    return BINARY64 if dtype == "float64" else BINARY32


def in_any_order(
    rule: Rule, dtype: str, arithmetic: Arithmetic, *, seed: int, size: int, steps: int, count: int
) -> Tally:
    """Judge ``count`` random scripts, each step of ``rule`` computed in an order of its own."""
    generator = np.random.default_rng(seed)
    tally = Tally(0, 0, {}, 0.0)
    for number in range(count):
        regime = REGIMES[(number + seed) % len(REGIMES)]
        scale = float(2.0 ** generator.integers(-8, 5))
        hyper = hyper_anywhere(rule, generator)
        started = {"seed": seed * 1000 + number, "at_zero": bool(number % 2)}
        script = script_for(dtype, size=size, steps=steps, hyper=hyper, regime=regime, scale=scale, **started)
        if program_of(rule).needs_objective:
            script = replace(script, objective=Quadratic(float(generator.uniform(0.1, 3.0))))
        tally.add(judge(rule, script, any_order.run(rule, script, arithmetic, number), {dtype: arithmetic}))
    return tally


def pairs() -> list[tuple[Order, str]]:
    """Return every order with every dtype it is meant for."""
    return [(o, d) for o in ORDERS for d in DTYPES if not o.narrow_only or d in ("float16", "bfloat16")]
