"""AMSGrad. Reddi, Kale & Kumar 2018, Algorithm 2 (https://arxiv.org/abs/1904.09237).

No bias correction. The paper adds nothing to the root, which is eps = 0 here.
"""

from stepcheck_reference.alphabet import Max, beta1, beta2, eps, g, lr, m, sqrt, theta, v, v_max
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
v_max_t = Max(v_max, v_t)
theta_t = theta - lr * m_t / (sqrt(v_max_t) + eps)

AMSGRAD_PAPER = Rule(
    "amsgrad_paper",
    title="AMSGrad as printed: the largest moment, uncorrected.",
    source="Reddi et al. 2018, Algorithm 2, https://arxiv.org/abs/1904.09237",
    init={m: 0, v: 0, v_max: 0},
    step={m: m_t, v: v_t, v_max: v_max_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: AVERAGED, beta2: AVERAGED, eps: NONNEGATIVE},
)
