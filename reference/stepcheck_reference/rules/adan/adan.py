"""Adan. Xie et al. 2022, Algorithm 1 (https://arxiv.org/abs/2208.06677), in the weights of its code.

The paper gives each average's weight of what is new, 1 - beta here. The first difference is 0, and the decay divides.
"""

from stepcheck_reference.alphabet import (
    D,
    Eq,
    Piecewise,
    beta1,
    beta2,
    beta3,
    eps,
    g,
    g_prev,
    lr,
    m,
    once,
    sqrt,
    t,
    theta,
    v,
    weight_decay,
)
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

difference = Piecewise((0, Eq(t, 1)), (g - g_prev, True))
m_t = beta1 * m + (1 - beta1) * g
D_t = beta2 * D + (1 - beta2) * difference
v_t = beta3 * v + (1 - beta3) * once(g + beta2 * difference) ** 2
m_hat = m_t / (1 - beta1**t)
D_hat = D_t / (1 - beta2**t)
v_hat = v_t / (1 - beta3**t)
divisor = sqrt(v_hat) + eps
u = (m_hat + beta2 * D_hat) / divisor
apart = lr * m_hat / divisor + lr * beta2 * D_hat / divisor  # as its code adds them
theta_t = (theta - lr * u) / (1 + lr * weight_decay)

ADAN = Rule(
    "adan",
    title="Adan: Adam on gradients that look ahead by differences.",
    source="Xie et al. 2022, Algorithm 1, https://arxiv.org/abs/2208.06677; betas as in its code, 1 minus the paper's",
    init={m: 0, D: 0, v: 0, g_prev: 0},
    step={m: m_t, D: D_t, v: v_t, g_prev: g, theta: theta_t},
    domains={
        lr: NONNEGATIVE,
        beta1: CORRECTED,
        beta2: CORRECTED,
        beta3: CORRECTED,
        eps: NONNEGATIVE,
        weight_decay: NONNEGATIVE,
    },
    forms={theta: ((theta - apart) / (1 + lr * weight_decay),)},
    defaults={beta1: 0.98, beta2: 0.92, beta3: 0.99, eps: 1e-8},
)
