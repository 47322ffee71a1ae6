"""The alphabet: every symbol of every rule, declared once with its assumptions.

States, parameters and gradients are ``real`` and nothing more, so that SymPy never splits
sqrt(a/b) or a sign; hyper-parameters are real and nonnegative; ``t`` is a positive integer.
A rule file imports all it needs from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sympy import Abs, Eq, Expr, Max, Min, Piecewise, Symbol, sign, sqrt

__all__ = [
    "ALPHABET",
    "ROLES",
    "Abs",
    "Eq",
    "Expr",
    "Letter",
    "M",
    "Max",
    "Min",
    "Piecewise",
    "Symbol",
    "b",
    "beta",
    "beta1",
    "beta2",
    "dampening",
    "eps",
    "g",
    "lr",
    "m",
    "momentum",
    "momentum_decay",
    "mu_product",
    "schedule_base",
    "sign",
    "sqrt",
    "symbol",
    "t",
    "theta",
    "v",
    "v_max",
    "velocity",
    "weight_decay",
]

ROLES = ("parameter", "gradient", "count", "state", "hyper-parameter", "constant")
"""What a symbol can stand for; a rule may use a symbol only in its role."""

theta = Symbol("theta", real=True)
g = Symbol("g", real=True)
t = Symbol("t", integer=True, positive=True)

m = Symbol("m", real=True)
v = Symbol("v", real=True)
v_max = Symbol("v_max", real=True)
b = Symbol("b", real=True)
velocity = Symbol("velocity", real=True)
M = Symbol("M", real=True)
mu_product = Symbol("mu_product", real=True)

lr = Symbol("lr", real=True, nonnegative=True)
beta = Symbol("beta", real=True, nonnegative=True)
beta1 = Symbol("beta1", real=True, nonnegative=True)
beta2 = Symbol("beta2", real=True, nonnegative=True)
momentum = Symbol("momentum", real=True, nonnegative=True)
dampening = Symbol("dampening", real=True, nonnegative=True)
momentum_decay = Symbol("momentum_decay", real=True, nonnegative=True)
eps = Symbol("eps", real=True, nonnegative=True)
weight_decay = Symbol("weight_decay", real=True, nonnegative=True)

schedule_base = Symbol("schedule_base", real=True, nonnegative=True)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a symbol stands for (one of ``ROLES``), how it prints, and its meaning in a few words."""

    role: str
    unicode: str
    latex: str
    meaning: str


ALPHABET: Mapping[Symbol, Letter] = MappingProxyType(
    {
        theta: Letter("parameter", "θ", r"\theta", "parameters"),
        g: Letter("gradient", "g", "g", "gradient at this step"),
        t: Letter("count", "t", "t", "number of this parameter's gradients so far, from 1"),
        m: Letter("state", "m", "m", "first moment, an average of gradients"),
        v: Letter("state", "v", "v", "second moment, an average of squared gradients"),
        v_max: Letter("state", "v_max", r"v^{\max}", "largest second moment so far"),
        b: Letter("state", "b", "b", "momentum buffer, a sum of gradients"),
        velocity: Letter("state", "velocity", r"\mathit{vel}", "momentum buffer that holds the learning rate"),
        M: Letter("state", "M", "M", "average of gradients"),
        mu_product: Letter("state", "P", "P", "product of the momentum schedule"),
        lr: Letter("hyper-parameter", "η", r"\eta", "learning rate"),
        beta: Letter("hyper-parameter", "β", r"\beta", "weight of the past in an average"),
        beta1: Letter("hyper-parameter", "β₁", r"\beta_1", "weight of the past in the first moment"),
        beta2: Letter("hyper-parameter", "β₂", r"\beta_2", "weight of the past in the second moment"),
        momentum: Letter("hyper-parameter", "μ", r"\mu", "momentum, what a step keeps of the buffer"),
        dampening: Letter("hyper-parameter", "τ", r"\tau", "what the buffer leaves out of a gradient"),
        momentum_decay: Letter("hyper-parameter", "ψ", r"\psi", "speed of the momentum schedule"),
        eps: Letter("hyper-parameter", "ε", r"\epsilon", "what keeps the divisor from zero"),
        weight_decay: Letter("hyper-parameter", "λ", r"\lambda", "weight decay"),
        schedule_base: Letter("constant", "c", "c", "base of the momentum schedule"),
    }
)
"""Every symbol, in the order listings use."""


def symbol(name: str) -> Symbol:
    """Return the symbol with this ASCII name; raises KeyError where the alphabet has none."""
    return _BY_NAME[name]


_BY_NAME: dict[str, Symbol] = {str(letter): letter for letter in ALPHABET}
