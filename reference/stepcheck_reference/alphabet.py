"""The alphabet: every symbol of every rule, declared once with its assumptions.

States, parameters and gradients are ``real`` and nothing more, so that SymPy never splits
sqrt(a/b) or a sign; hyper-parameters are real and nonnegative; ``t`` is a positive integer.
A rule file imports all it needs from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sympy import Abs, Eq, Expr, Function, Max, Min, Piecewise, Symbol, UnevaluatedExpr, sign, sqrt

__all__ = [
    "ALPHABET",
    "QUANTITIES",
    "ROLES",
    "Abs",
    "D",
    "Eq",
    "Expr",
    "Letter",
    "M",
    "Max",
    "Min",
    "Piecewise",
    "Symbol",
    "a",
    "alpha",
    "ax",
    "b",
    "beta",
    "beta1",
    "beta2",
    "beta3",
    "curvature",
    "dampening",
    "eps",
    "eps_root",
    "eta",
    "eta_minus",
    "eta_plus",
    "g",
    "g_prev",
    "gradient_at",
    "h",
    "initial_accumulator",
    "initial_lr",
    "l1",
    "l2",
    "lambd",
    "linear",
    "lr",
    "lr_decay",
    "lr_max",
    "m",
    "momentum",
    "momentum_decay",
    "mu",
    "mu_product",
    "nu",
    "nu1",
    "nu2",
    "once",
    "pending",
    "rho",
    "s",
    "schedule_base",
    "sign",
    "sqrt",
    "step_max",
    "step_min",
    "step_size",
    "symbol",
    "t",
    "t0",
    "theta",
    "u",
    "v",
    "v_max",
    "velocity",
    "weight_decay",
    "weight_sum",
    "x",
    "z",
]

ROLES = ("parameter", "gradient", "count", "state", "hyper-parameter", "constant", "objective")
"""The roles of symbols; a rule may use a symbol only in its role."""

theta = Symbol("theta", real=True)
g = Symbol("g", real=True)
t = Symbol("t", integer=True, positive=True)

m = Symbol("m", real=True)
v = Symbol("v", real=True)
v_max = Symbol("v_max", real=True)
b = Symbol("b", real=True)
velocity = Symbol("velocity", real=True)
M = Symbol("M", real=True)
D = Symbol("D", real=True)
h = Symbol("h", real=True)
s = Symbol("s", real=True)
a = Symbol("a", real=True)
x = Symbol("x", real=True)
u = Symbol("u", real=True)
g_prev = Symbol("g_prev", real=True)
step_size = Symbol("step_size", real=True)
pending = Symbol("pending", real=True)
ax = Symbol("ax", real=True)
z = Symbol("z", real=True)
linear = Symbol("linear", real=True)

mu_product = Symbol("mu_product", real=True)
eta = Symbol("eta", real=True)
mu = Symbol("mu", real=True)
lr_max = Symbol("lr_max", real=True)
weight_sum = Symbol("weight_sum", real=True)

lr = Symbol("lr", real=True, nonnegative=True)
beta = Symbol("beta", real=True, nonnegative=True)
beta1 = Symbol("beta1", real=True, nonnegative=True)
beta2 = Symbol("beta2", real=True, nonnegative=True)
beta3 = Symbol("beta3", real=True, nonnegative=True)
momentum = Symbol("momentum", real=True, nonnegative=True)
dampening = Symbol("dampening", real=True, nonnegative=True)
momentum_decay = Symbol("momentum_decay", real=True, nonnegative=True)
nu = Symbol("nu", real=True, nonnegative=True)
nu1 = Symbol("nu1", real=True, nonnegative=True)
nu2 = Symbol("nu2", real=True, nonnegative=True)
eps = Symbol("eps", real=True, nonnegative=True)
weight_decay = Symbol("weight_decay", real=True, nonnegative=True)
eps_root = Symbol("eps_root", real=True, nonnegative=True)
rho = Symbol("rho", real=True, nonnegative=True)
lr_decay = Symbol("lr_decay", real=True, nonnegative=True)
initial_accumulator = Symbol("initial_accumulator", real=True, nonnegative=True)
initial_lr = Symbol("initial_lr", real=True, nonnegative=True)
eta_minus = Symbol("eta_minus", real=True, nonnegative=True)
eta_plus = Symbol("eta_plus", real=True, nonnegative=True)
step_min = Symbol("step_min", real=True, nonnegative=True)
step_max = Symbol("step_max", real=True, nonnegative=True)
l1 = Symbol("l1", real=True, nonnegative=True)
l2 = Symbol("l2", real=True, nonnegative=True)
lambd = Symbol("lambd", real=True, nonnegative=True)
alpha = Symbol("alpha", real=True, nonnegative=True)
t0 = Symbol("t0", real=True, nonnegative=True)

schedule_base = Symbol("schedule_base", real=True, nonnegative=True)

curvature = Symbol("curvature", real=True)
gradient_at = Function("gradient_at", real=True)
"""The gradient at a point that the rule chooses, whereas g is the gradient at theta; see ``objective``."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The role of a symbol (one of ``ROLES``), how it prints, and its meaning in a few words."""

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
        D: Letter("state", "D", "D", "average of differences between a gradient and the one before"),
        h: Letter("state", "h", "h", "sum of squared gradients"),
        s: Letter("state", "σ", r"\sigma", "average of squared distances between gradients and their mean"),
        a: Letter("state", "a", "a", "average of gradients, whose square is taken off that of squares"),
        x: Letter("state", "x", "x", "average of squared updates"),
        u: Letter("state", "u", "u", "largest gradient so far, weighed by age"),
        g_prev: Letter("state", "g_prev", r"g^{\mathrm{prev}}", "gradient of the step before"),
        step_size: Letter("state", "s", "s", "step size of an element"),
        pending: Letter("state", "d", "d", "step to be taken at the next one"),
        ax: Letter("state", "θ̄", r"\bar\theta", "average of parameters"),
        z: Letter("state", "ζ", r"\zeta", "parameters that plain steps reach"),
        linear: Letter("state", "ℓ", r"\ell", "sum of gradients, less what the parameters stand for"),
        mu_product: Letter("state", "P", "P", "product of the momentum schedule"),
        eta: Letter("state", "ηₐ", r"\eta_a", "rate of the next step"),
        mu: Letter("state", "μₐ", r"\mu_a", "weight of the next parameters in their average"),
        lr_max: Letter("state", "η_max", r"\eta_{\max}", "largest learning rate so far"),
        weight_sum: Letter("state", "W", "W", "sum of the weights in an average of parameters"),
        lr: Letter("hyper-parameter", "η", r"\eta", "learning rate"),
        beta: Letter("hyper-parameter", "β", r"\beta", "weight of the past in an average"),
        beta1: Letter("hyper-parameter", "β₁", r"\beta_1", "weight of the past in the first moment"),
        beta2: Letter("hyper-parameter", "β₂", r"\beta_2", "weight of the past in the second moment"),
        beta3: Letter("hyper-parameter", "β₃", r"\beta_3", "weight of the past in the third average"),
        momentum: Letter("hyper-parameter", "μ", r"\mu", "momentum, what a step keeps of the buffer"),
        dampening: Letter("hyper-parameter", "τ", r"\tau", "what the buffer leaves out of a gradient"),
        momentum_decay: Letter("hyper-parameter", "ψ", r"\psi", "speed of the momentum schedule"),
        nu: Letter("hyper-parameter", "ν", r"\nu", "weight of the average beside the gradient"),
        nu1: Letter("hyper-parameter", "ν₁", r"\nu_1", "weight of the first moment beside the gradient"),
        nu2: Letter("hyper-parameter", "ν₂", r"\nu_2", "weight of the second moment beside the squared gradient"),
        eps: Letter("hyper-parameter", "ε", r"\epsilon", "what keeps the divisor from zero"),
        weight_decay: Letter("hyper-parameter", "λ", r"\lambda", "weight decay"),
        eps_root: Letter("hyper-parameter", "ε̄", r"\bar\epsilon", "what is added under the root"),
        rho: Letter("hyper-parameter", "ρ", r"\rho", "weight of the past in both averages"),
        lr_decay: Letter("hyper-parameter", "δ", r"\delta", "fall of the learning rate"),
        initial_accumulator: Letter("hyper-parameter", "h₀", "h_0", "what squares are added to at first"),
        initial_lr: Letter("hyper-parameter", "η₀", r"\eta_0", "learning rate at first"),
        eta_minus: Letter("hyper-parameter", "η⁻", r"\eta^-", "factor of a step size where the sign turned"),
        eta_plus: Letter("hyper-parameter", "η⁺", r"\eta^+", "factor of a step size where the sign stayed"),
        step_min: Letter("hyper-parameter", "s_min", r"s_{\min}", "smallest step size"),
        step_max: Letter("hyper-parameter", "s_max", r"s_{\max}", "largest step size"),
        l1: Letter("hyper-parameter", "λ₁", r"\lambda_1", "what a sum has to exceed for a parameter other than 0"),
        l2: Letter("hyper-parameter", "λ₂", r"\lambda_2", "what is added to the divisor of a sum"),
        lambd: Letter("hyper-parameter", "λₐ", r"\lambda_a", "decay of the learning rate, and of the parameters"),
        alpha: Letter("hyper-parameter", "α", r"\alpha", "power of the rate's fall, or weight of a slow average"),
        t0: Letter("hyper-parameter", "t₀", "t_0", "the average begins with step t0 + 2"),
        schedule_base: Letter("constant", "c", "c", "base of the momentum schedule"),
        curvature: Letter("objective", "κ", r"\kappa", "second derivative of a quadratic objective"),
    }
)
"""Every symbol, in the order listings use."""

QUANTITIES: Mapping[str, Letter] = MappingProxyType(
    {
        "lr_t": Letter("quantity", "ηₜ", r"\eta_t", "learning rate of this step"),
        "mu_t": Letter("quantity", "μₜ", r"\mu_t", "momentum of this step"),
        "mu_next": Letter("quantity", "μₜ₊₁", r"\mu_{t+1}", "momentum of the next step"),
        "rho_inf": Letter("quantity", "ρ∞", r"\rho_\infty", "length of the average in the end"),
        "rho_t": Letter("quantity", "ρₜ", r"\rho_t", "length of the average so far"),
        "rectification": Letter("quantity", "r", "r_t", "rectification of the variance"),
        "direction": Letter("quantity", "c", "c_t", "average whose sign is the direction"),
        "divisor": Letter("quantity", "d", "d_t", "what a step is divided by"),
        "delta": Letter("quantity", "Δ", r"\Delta_t", "update before the learning rate"),
        "share": Letter("quantity", "cₜ", "c_t", "weight of the newest point in the average"),
        "turn": Letter("quantity", "z", "z_t", "below 0 where the sign turned"),
        "factor": Letter("quantity", "f", "f_t", "what a step size is multiplied by"),
    }
)
"""Intermediate quantities that papers give a letter, by the name that ``Rule.where`` uses."""


def symbol(name: str) -> Symbol:
    """Return the symbol with this ASCII name; raises KeyError where the alphabet has none."""
    return _BY_NAME[name]


def once(expression: Expr) -> Expr:
    """Return ``expression`` as one factor that SymPy does not multiply out, because code computes it once."""
    return UnevaluatedExpr(expression)


_BY_NAME: dict[str, Symbol] = {str(letter): letter for letter in ALPHABET}
