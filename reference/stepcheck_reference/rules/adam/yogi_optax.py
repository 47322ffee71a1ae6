"""Yogi in the form of optax.yogi: both moments start from a number of their own, and both are corrected."""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, initial_accumulator, lr, m, sign, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = v - (1 - beta2) * sign(v - g**2) * g**2
m_hat = m_t / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * m_hat / (sqrt(v_hat) + eps)

YOGI_OPTAX = Rule(
    "yogi_optax",
    title="Yogi as in optax: moments from 1e-6, corrected.",
    source="optax.yogi, after Zaheer et al. 2018, Algorithm 2",
    init={m: initial_accumulator, v: initial_accumulator},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={
        lr: NONNEGATIVE,
        beta1: CORRECTED,
        beta2: CORRECTED,
        eps: NONNEGATIVE,
        initial_accumulator: NONNEGATIVE,
    },
    defaults={beta1: 0.9, beta2: 0.999, eps: 1e-3, initial_accumulator: 1e-6},
)
