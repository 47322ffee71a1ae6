"""Nesterov's accelerated gradient. Nesterov 1983, in the form of Sutskever et al. 2013, eqs. 3 and 4.

The gradient is taken where momentum is about to lead (https://proceedings.mlr.press/v28/sutskever13.html), so the rule
needs the gradient as a function. Here the buffer holds gradients without lr.
"""

from stepcheck_reference.alphabet import b, gradient_at, lr, momentum, theta
from stepcheck_reference.domain import FADING, NONNEGATIVE
from stepcheck_reference.rule import Rule

b_t = momentum * b + gradient_at(theta - lr * momentum * b)
theta_t = theta - lr * b_t

NESTEROV_LOOKAHEAD = Rule(
    "nesterov_lookahead",
    title="Nesterov momentum: the gradient from one step ahead.",
    source="Sutskever et al. 2013, eqs. 3 and 4, https://proceedings.mlr.press/v28/sutskever13.html",
    init={b: 0},
    step={b: b_t, theta: theta_t},
    domains={lr: NONNEGATIVE, momentum: FADING},
)
