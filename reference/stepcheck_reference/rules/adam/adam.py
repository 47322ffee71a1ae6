"""Adam. Kingma & Ba 2015, Algorithm 1 (https://arxiv.org/abs/1412.6980)."""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g  # biased first moment
v_t = beta2 * v + (1 - beta2) * g**2  # biased second raw moment
m_hat = m_t / (1 - beta1**t)
v_hat = v_t / (1 - beta2**t)
theta_t = theta - lr * m_hat / (sqrt(v_hat) + eps)  # eps outside the root, as printed

ADAM = Rule(
    "adam",
    title="Adam: the mean gradient over the root mean square.",
    source="Kingma & Ba 2015, Algorithm 1, https://arxiv.org/abs/1412.6980",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
    defaults={lr: 0.001, beta1: 0.9, beta2: 0.999, eps: 1e-8},
)
