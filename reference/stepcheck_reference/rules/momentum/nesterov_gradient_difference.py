"""Nesterov momentum by the difference of gradients, the third form in which it is printed.

The buffer takes the newest gradient and what it gained on the one before, which is 0 at first; its
parameters are those of nesterov, the point that is looked ahead to, and it costs one more tensor.
"""

from stepcheck_reference.alphabet import M, beta, g, g_prev, lr, theta
from stepcheck_reference.domain import FADING, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + g + beta * (g - g_prev)
theta_t = theta - lr * M_t

NESTEROV_GRADIENT_DIFFERENCE = Rule(
    "nesterov_gradient_difference",
    title="Nesterov momentum by what gradients gain on the last.",
    source="course notes; Xie et al. 2022, https://arxiv.org/abs/2208.06677, on Nesterov reformulated",
    init={M: 0, g_prev: 0},
    step={M: M_t, g_prev: g, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: FADING},
)
