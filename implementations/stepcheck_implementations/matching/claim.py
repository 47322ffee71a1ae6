"""Claims: a rule as names and numbers, and the probe: a short run that shows which parts of a target are the rule's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from stepcheck_reference.scripts.trajectory import Fault

PROBE_SHAPES = ((3,), (2,))
"""The tensors of the probe: of different lengths, so that a state of one cannot be mistaken for the other's."""

PROBE_THETA = (0.75, -1.25, 0.5, 1.5, -0.625)
"""The elements that they start from, one tensor after another."""

PROBE_GRADIENTS = (
    (0.5, -1.5, 0.8125, -0.3125, 1.125),
    (-0.25, -0.6875, 0.40625, 0.9375, 1.75),
    (0.1875, 0.59375, -1.375, 0.4375, -0.21875),
)
"""The gradient of every element at each step: signs that persist and flip, sizes that rise and fall."""

PROBE_HYPER: Mapping[str, float] = {
    "lr": 0.0625,
    "beta": 0.65,
    "beta1": 0.6,
    "beta2": 0.7,
    "beta3": 0.85,
    "nu": 0.35,
    "nu1": 0.325,
    "nu2": 0.45,
    "momentum": 0.55,
    "dampening": 0.3,
    "momentum_decay": 0.05,
    "eps": 0.0375,
    "weight_decay": 0.045,
    "eps_root": 0.03,
    "rho": 0.75,
    "lr_decay": 0.02,
    "initial_accumulator": 0.1,
    "lambd": 0.035,
    "alpha": 0.8,
    "t0": 1.0,
    "eta_minus": 0.5,
    "eta_plus": 1.2,
    "step_min": 0.002,
    "step_max": 4.0,
}
"""Values of hyper-parameters in the probe: all different, and none so small that a swap of two would go unnoticed."""

REFUSALS = (ValueError, TypeError, NotImplementedError, AssertionError)
"""What a subject raises, at construction or in its first step, where it refuses what it was given."""


def is_refusal(fault: Fault) -> bool:
    """Whether a run ended by a loud refusal of what the subject was given: at construction, or in the first step."""
    name = fault.message.partition(":")[0]
    return fault.kind == "raised" and fault.step <= 1 and name in {kind.__name__ for kind in REFUSALS}


Rows = Sequence[Sequence[float]]
"""One row a step of the probe, one number an element; a number that a tensor has one of is repeated."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a target is matched to.

    ``hyper`` maps each hyper-parameter's alphabet name to the value it has in the probe; ``initial`` maps each
    state to the number it starts at, or to the hyper-parameter it starts as; ``scalars`` are the states that are
    one number a tensor. ``equations`` are Python expressions for theta and every state, with ``constants``; there are
    none where the rule ``needs_objective``, because it evaluates gradients at points of its own. ``fixed`` are values,
    and ``maps`` names, that the user has given; ``options`` are values of arguments that select the rule among others.
    ``keys`` are what entries of a dictionary mean where no rule is claimed: then a target takes any of them, or none.
    """

    rule: str
    hyper: Mapping[str, float]
    initial: Mapping[str, float | str] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()
    equations: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    fixed: Mapping[str, float | bool] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)
    needs_objective: bool = False
    options: Mapping[str, bool] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> Mapping[str, float | bool]:
        """The arguments and hyper-parameters that have a value already."""
        return {**self.options, **self.fixed}


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """Parameters and states of the rule over the probe; empty where they are not known."""

    theta: Rows = ()
    states: Mapping[str, Rows] = field(default_factory=dict)


def rule_trace(claim: Claim, hyper: Mapping[str, float]) -> RuleTrace:
    """Return parameters and states of the rule over the probe with those hyper-parameters, in binary64."""
    if not claim.equations or not set(claim.hyper) <= set(hyper):
        return RuleTrace()
    code = {name: compile(text, f"<{claim.rule}: {name}>", "eval") for name, text in claim.equations.items()}
    starts = {name: float(hyper[start] if isinstance(start, str) else start) for name, start in claim.initial.items()}
    rows: dict[str, list[list[float]]] = {name: [] for name in code}
    now = {name: [start] * len(PROBE_THETA) for name, start in {**starts, "theta": 0.0}.items()}
    now["theta"] = list(PROBE_THETA)
    for step, gradient in enumerate(PROBE_GRADIENTS, 1):
        new: dict[str, list[float]] = {name: [] for name in code}
        for index, g in enumerate(gradient):
            values_here = {**hyper, **claim.constants, **{name: values[index] for name, values in now.items()}}
            for name, expression in code.items():
                new[name].append(_value(expression, {**values_here, "g": g, "t": float(step), "math": math}))
        now |= new
        for name, values in new.items():
            rows[name].append(values)
    theta = rows.pop("theta")
    return RuleTrace(theta, rows)


def _value(expression: CodeType, names: dict[str, Any]) -> float:
    try:
        return float(eval(expression, {"__builtins__": {"abs": abs, "max": max, "min": min}}, names))
    except (ArithmeticError, ValueError, TypeError):  # a division by zero, the root of a negative number
        return math.nan
