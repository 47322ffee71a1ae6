"""QHM, quasi-hyperbolic momentum. Ma & Yarats 2019, eqs. 3 and 4 (https://arxiv.org/abs/1810.06801)."""

from stepcheck_reference.alphabet import M, beta, g, lr, nu, theta
from stepcheck_reference.domain import AVERAGED, MIXED, NONNEGATIVE
from stepcheck_reference.rule import Rule

M_t = beta * M + (1 - beta) * g
theta_t = theta - lr * ((1 - nu) * g + nu * M_t)

QHM = Rule(
    "qhm",
    title="QHM: a mean of the gradient and an average of gradients.",
    source="Ma & Yarats 2019, https://arxiv.org/abs/1810.06801",
    init={M: 0},
    step={M: M_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta: AVERAGED, nu: MIXED},
    defaults={beta: 0.999, nu: 0.7},
    forms={theta: (theta - lr * nu * M_t - lr * (1 - nu) * g,)},  # in two additions
)
