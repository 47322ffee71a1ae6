"""One step of a rule on arrays of random inputs, for tests that look at envelopes directly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.facts.parity import odd_states
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.envelope.ball import Ball, Bound
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.envelope.envelope import evaluate
from stepcheck_reference.oracle.envelope.scalar_parts import Prepared, prepare
from stepcheck_reference.oracle.extended import backend
from stepcheck_reference.rule import Rule

Reals = NDArray[np.float64]

WIDE = backend()

USUAL = {
    "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01, "momentum": 0.9, "dampening": 0.1,
    "beta": 0.9, "rho": 0.95, "momentum_decay": 0.004, "eps_root": 1e-3, "lr_decay": 0.01, "initial_accumulator": 0.1,
    "eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50.0, "lambd": 1e-2, "alpha": 0.75, "t0": 2.0,
    "curvature": 1.7, "mu_product": 0.3, "eta": 2e-3, "mu": 0.5,
    "beta3": 0.99, "initial_lr": 0.1, "l1": 0.3, "l2": 0.2, "lr_max": 2e-3, "weight_sum": 1e-5,
    "nu": 0.7, "nu1": 0.7, "nu2": 0.9,
}  # fmt: skip
"""A value inside every rule's domain; of states that are one number a tensor, one that they can have."""


def hyper_of(rule: Rule) -> dict[str, float]:
    """Return the usual hyper-parameters that ``rule`` has, an objective's curvature with them, and scalar states."""
    names = [symbol.name for symbol in (*rule.hyper, *rule.scalars)]
    return {name: USUAL[name] for name in (*names, *(("curvature",) if program_of(rule).needs_objective else ()))}


def random_inputs(rule: Rule, size: int, seed: int) -> dict[str, Reals]:
    """Return normal theta, g and states over some decades; no variance is negative, and some signs repeat or turn."""
    generator = np.random.default_rng(seed)
    names = ("theta", "g", *(symbol.name for symbol in rule.states))
    inputs = {name: generator.normal(size=size) * 10.0 ** generator.uniform(-3, 2, size) for name in names}
    even = {state.name for state, odd in odd_states(rule).items() if not odd} | {"v"}  # squares, magnitudes, step sizes
    inputs = {name: np.abs(values) if name in even else values for name, values in inputs.items()}
    return inputs | ({"v": inputs["v"] + inputs["a"] ** 2} if "a" in inputs else {})


def prepared(rule: Rule, *, t: float, rows: Mapping[str, float] | None = None, arithmetic: Arithmetic) -> Prepared:
    """Return the program of ``rule`` with its scalars evaluated."""
    columns = {name: np.array([value]) for name, value in (rows or hyper_of(rule)).items()} | {"t": np.array([t])}
    with np.errstate(all="ignore"):
        return prepare(program_of(rule), columns, arithmetic, WIDE)


def envelopes(
    rule: Rule,
    inputs: dict[str, Reals],
    dtype: str,
    *,
    t: float = 3.0,
    hyper: dict[str, float] | None = None,
    arithmetic: Arithmetic | None = None,
) -> dict[str, Bound]:
    """Return where ``inputs`` have to land after step ``t``, every input exact."""
    ready = prepared(rule, t=t, rows=hyper, arithmetic=arithmetic or plain(dtype))
    balls = {
        name: Ball(values, None, WIDE.lift(values) if dtype == "float64" else None, bool(np.all(values >= 0)))
        for name, values in inputs.items()
    }
    return evaluate(ready, balls, np.array([0]), [len(inputs["theta"])])
