"""One step of a rule on arrays of random inputs, for tests that look at envelopes directly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.arithmetic import Arithmetic, plain
from stepcheck_reference.envelope import Ball, Landing, land, prepare
from stepcheck_reference.extended import backend
from stepcheck_reference.oracle import program_of
from stepcheck_reference.rule import Rule

Reals = NDArray[np.float64]

WIDE = backend()

USUAL = {
    "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01, "momentum": 0.9, "dampening": 0.1,
    "beta": 0.9,
}  # fmt: skip
"""A value inside every rule's domain."""


def hyper_of(rule: Rule) -> dict[str, float]:
    """Return the usual hyper-parameters that ``rule`` has."""
    return {symbol.name: USUAL[symbol.name] for symbol in rule.hyper}


def random_inputs(rule: Rule, size: int, seed: int) -> dict[str, Reals]:
    """Return normal theta, g and states over some decades; second moments (what a root is taken of) positive."""
    generator = np.random.default_rng(seed)
    names = ("theta", "g", *(symbol.name for symbol in rule.states))
    inputs = {name: generator.normal(size=size) * 10.0 ** generator.uniform(-3, 2, size) for name in names}
    return {name: np.abs(values) if name.startswith("v") else values for name, values in inputs.items()}


def envelopes(
    rule: Rule,
    inputs: dict[str, Reals],
    dtype: str,
    *,
    t: float = 3.0,
    hyper: dict[str, float] | None = None,
    arithmetic: Arithmetic | None = None,
) -> dict[str, Landing]:
    """Return where ``inputs`` have to land after step ``t``, every input exact."""
    arithmetic = arithmetic or plain(dtype)
    rows = {name: np.array([value]) for name, value in (hyper or hyper_of(rule)).items()} | {"t": np.array([t])}
    prepared = prepare(program_of(rule), rows, arithmetic, WIDE)
    balls = {
        name: Ball(values, None, WIDE.lift(values) if dtype == "float64" else None, bool(np.all(values >= 0)))
        for name, values in inputs.items()
    }
    return land(prepared, balls, np.array([0]), [len(inputs["theta"])])
