"""Nesterov momentum over an average: the average, and one more average with the newest gradient."""

from stepcheck_reference.alphabet import M, beta, g, lr, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + (1 - beta) * g
theta_t = theta - lr * (beta * M_t + (1 - beta) * g)

NESTEROV_EMA = Rule(
    "nesterov_ema",
    title="Nesterov momentum over an average of gradients.",
    source="surveys and course notes; Dozat 2016, section 3, without its schedule",
    init={M: 0},
    step={M: M_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: AVERAGED},
)
