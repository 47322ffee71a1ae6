"""Signum. Bernstein et al. 2018, Algorithm 2 (https://arxiv.org/abs/1802.04434)."""

from stepcheck_reference.alphabet import M, beta, g, lr, sign, theta
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + (1 - beta) * g
theta_t = theta - lr * sign(M_t)

SIGNUM = Rule(
    "signum",
    title="Signum: steps of lr against an averaged gradient's sign.",
    source="Bernstein et al. 2018, Algorithm 2, https://arxiv.org/abs/1802.04434",
    init={M: 0},
    step={M: M_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: AVERAGED},
)
