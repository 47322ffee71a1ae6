"""QHAdam, quasi-hyperbolic Adam. Ma & Yarats 2019 (https://arxiv.org/abs/1810.06801)."""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, nu1, nu2, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, MIXED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
m_hat = m_t / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * ((1 - nu1) * g + nu1 * m_hat) / (sqrt((1 - nu2) * g**2 + nu2 * v_hat) + eps)

QHADAM = Rule(
    "qhadam",
    title="QHAdam: Adam's moments, mixed with the newest gradient.",
    source="Ma & Yarats 2019, https://arxiv.org/abs/1810.06801",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, nu1: MIXED, nu2: MIXED, eps: NONNEGATIVE},
    defaults={lr: 0.001, nu1: 0.7, nu2: 1.0, beta1: 0.995, beta2: 0.999, eps: 1e-8},
)
