"""LaProp. Ziyin et al. 2020, Algorithm 1 (https://arxiv.org/abs/2002.04839).

Each gradient is divided by the root of its time, and the quotients are averaged. The authors' code keeps lr in the
average, which is the same rule only while lr stays constant.
"""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
m_t = beta1 * m + (1 - beta1) * g / (sqrt(v_t / (1 - beta2**t)) + eps)
theta_t = theta - lr * m_t / (1 - beta1**t)

LAPROP = Rule(
    "laprop",
    title="LaProp: an average of gradients over their roots.",
    source="Ziyin et al. 2020, Algorithm 1, https://arxiv.org/abs/2002.04839",
    init={v: 0, m: 0},
    step={v: v_t, m: m_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
    defaults={lr: 4e-4, beta1: 0.9, beta2: 0.999},
)
