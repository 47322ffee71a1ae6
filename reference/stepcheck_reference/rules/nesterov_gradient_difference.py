"""Nesterov momentum by the difference of gradients, the third form in which it is printed.

The buffer takes the newest gradient and what it gained on the one before, which is 0 at first; it equals the
look-ahead buffer for constant lr and costs one more tensor.
"""

from stepcheck_reference.alphabet import M, beta, g, g_prev, lr, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + g + beta * (g - g_prev)
theta_t = theta - lr * M_t

NESTEROV_GRADIENT_DIFFERENCE = Rule(
    "nesterov_gradient_difference",
    title="Nesterov momentum by what a gradient gained on the one before.",
    source="Xie et al. 2022, section 2, https://arxiv.org/abs/2208.06677 (Nesterov reformulated); course notes",
    init={M: 0, g_prev: 0},
    step={M: M_t, g_prev: g, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: AVERAGED},
)
