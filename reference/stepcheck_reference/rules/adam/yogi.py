"""Yogi. Zaheer et al. 2018, Algorithm 2 (https://proceedings.neurips.cc/paper/2018/hash/90365351ccc7437a1309dc64e4db32a3).

The second moment moves towards g**2 by a multiple of g**2, and not of the distance between the two, as in Adam.
"""

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sign, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = v - (1 - beta2) * sign(v - g**2) * g**2
theta_t = theta - lr * m_t / (sqrt(v_t) + eps)

YOGI = Rule(
    "yogi",
    title="Yogi: v moves by a multiple of the squared gradient.",
    source="Zaheer et al. 2018, Algorithm 2, Adaptive methods for nonconvex optimization, NeurIPS",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: AVERAGED, beta2: AVERAGED, eps: NONNEGATIVE},
)
