"""AdEMAMix. Pagliardini et al. 2024, Algorithm 1 (https://arxiv.org/abs/2409.03137), without its warm-ups.

A second, slow average of gradients is added to Adam's first moment, without bias correction. alpha and beta3 are those
in force at a step: the paper lets both rise.
"""

from stepcheck_reference.alphabet import M, alpha, beta1, beta2, beta3, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import AVERAGED, CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
M_t = beta3 * M + (1 - beta3) * g  # the slow average
v_t = beta2 * v + (1 - beta2) * g**2
m_hat = m_t / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * (m_hat + alpha * M_t) / (sqrt(v_hat) + eps)

ADEMAMIX = Rule(
    "ademamix",
    title="AdEMAMix: Adam with a slow average beside the fast one.",
    source="Pagliardini et al. 2024, Algorithm 1, https://arxiv.org/abs/2409.03137",
    init={m: 0, M: 0, v: 0},
    step={m: m_t, M: M_t, v: v_t, theta: theta_t},
    domains={
        lr: NONNEGATIVE,
        beta1: CORRECTED,
        beta2: CORRECTED,
        beta3: AVERAGED,
        alpha: NONNEGATIVE,
        eps: NONNEGATIVE,
    },
    defaults={beta1: 0.9, beta2: 0.999, beta3: 0.9999},
)
