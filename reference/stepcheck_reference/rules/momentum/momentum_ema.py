"""Momentum as an average. A survey's choice of 1 - beta for the weight of a gradient.

The weights of past gradients sum to 1 - beta**t, where torch's buffer sums to up to 1/(1 - momentum).
"""

from stepcheck_reference.alphabet import M, beta, g, lr, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + (1 - beta) * g
theta_t = theta - lr * M_t

MOMENTUM_EMA = Rule(
    "momentum_ema",
    title="Momentum as an average of gradients.",
    source="surveys and course notes; torch.optim.SGD with dampening=momentum, but for its first step",
    init={M: 0},
    step={M: M_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: AVERAGED},
)
