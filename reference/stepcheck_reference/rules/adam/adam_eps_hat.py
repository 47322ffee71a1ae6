"""Adam with epsilon hat. Kingma & Ba 2015, end of section 2 (https://arxiv.org/abs/1412.6980)."""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
theta_t = theta - lr_t * m_t / (sqrt(v_t) + eps)  # eps is added to the uncorrected root

ADAM_EPS_HAT = Rule(
    "adam_eps_hat",
    title="Adam with eps added to the uncorrected root.",
    source="Kingma & Ba 2015, end of section 2, https://arxiv.org/abs/1412.6980; Keras, torch.optim.SparseAdam",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
)
