"""AMSGrad in the form of keras.optimizers.Adam(amsgrad=True): both corrections in the learning rate.

After Reddi, Kale & Kumar 2018, Algorithm 2 (https://arxiv.org/abs/1904.09237), which corrects no bias.
"""

from stepcheck_reference.alphabet import Max, beta1, beta2, eps, g, lr, m, sqrt, t, theta, v, v_max
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
v_max_t = Max(v_max, v_t)
lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
theta_t = theta - lr_t * m_t / (sqrt(v_max_t) + eps)

AMSGRAD_EPS_HAT = Rule(
    "amsgrad_eps_hat",
    title="AMSGrad as in Keras: eps added to the raw root.",
    source="keras.optimizers.Adam(amsgrad=True), after Reddi et al. 2018, https://arxiv.org/abs/1904.09237",
    init={m: 0, v: 0, v_max: 0},
    step={m: m_t, v: v_t, v_max: v_max_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
)
