"""FTRL-Proximal. McMahan et al. 2013, Algorithm 1 (https://doi.org/10.1145/2487575.2488200).

The parameters are worked out of two sums anew at each step, and are 0 where l1 outweighs the first: where they start is
lost. Keras' l2_regularization_strength is half of l2 here, and its sum of squares starts at 0.1.
"""

from stepcheck_reference.alphabet import Abs, Piecewise, beta, g, h, l1, l2, linear, lr, sign, sqrt, theta
from stepcheck_reference.domain import NONNEGATIVE, Domain
from stepcheck_reference.rule import Rule

DIVIDES = Domain(0.0, low_open=True, reason="the sums are divided by {name}")

h_t = h + g**2
sigma = (sqrt(h_t) - sqrt(h)) / lr
linear_t = linear + g - sigma * theta
curve = (beta + sqrt(h_t)) / lr + l2
theta_t = Piecewise((0, Abs(linear_t) <= l1), ((l1 * sign(linear_t) - linear_t) / curve, True))

FTRL = Rule(
    "ftrl",
    title="FTRL-Proximal: parameters from sums, 0 within l1.",
    source="McMahan et al. 2013, Algorithm 1, https://doi.org/10.1145/2487575.2488200",
    init={h: 0, linear: 0},
    step={h: h_t, linear: linear_t, theta: theta_t},
    domains={lr: DIVIDES, beta: NONNEGATIVE, l1: NONNEGATIVE, l2: NONNEGATIVE},
)
