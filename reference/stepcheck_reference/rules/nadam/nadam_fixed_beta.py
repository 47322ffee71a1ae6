"""NAdam without a schedule, in the form of optax.nadam: beta1 is constant, and each term has its own correction."""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
ahead = beta1 * m_t / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * ahead / (sqrt(v_hat) + eps)

NADAM_FIXED_BETA = Rule(
    "nadam_fixed_beta",
    title="NAdam with constant beta1; m is corrected for t + 1.",
    source="optax.nadam; Dozat 2016 (https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ) with a constant schedule",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
)
