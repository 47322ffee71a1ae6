"""NAdam as Ruder prints it. Ruder 2016, section 4.8 (https://arxiv.org/abs/1609.04747).

Both terms are corrected by 1 - beta1**t, where optax.nadam takes t + 1 for the first.
"""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
m_hat = m_t / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * (beta1 * m_hat + (1 - beta1) * g / (1 - beta1**t)) / (sqrt(v_hat) + eps)

NADAM_RUDER = Rule(
    "nadam_ruder",
    title="NAdam as in Ruder's overview: equal corrections.",
    source="Ruder 2016, section 4.8, https://arxiv.org/abs/1609.04747",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
)
