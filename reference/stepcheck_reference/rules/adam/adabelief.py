"""AdaBelief. Zhuang et al. 2020, Algorithm 2 (https://arxiv.org/abs/2010.07468).

The divisor measures how far gradients are from their mean, and eps is added to it at every step.
"""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, s, sqrt, t, theta
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
s_t = beta2 * s + (1 - beta2) * (g - m_t) ** 2 + eps  # eps stays in the state
m_hat = m_t / (1 - beta1**t)
s_hat = s_t / (1 - beta2**t)
theta_t = theta - lr * m_hat / (sqrt(s_hat) + eps)  # and is added again, outside the root

ADABELIEF = Rule(
    "adabelief",
    title="AdaBelief: the mean gradient over its own spread.",
    source="Zhuang et al. 2020, Algorithm 2, https://arxiv.org/abs/2010.07468",
    init={m: 0, s: 0},
    step={m: m_t, s: s_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
)
