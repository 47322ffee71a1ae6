"""Lion. Chen et al. 2023, Algorithm 2 (https://arxiv.org/abs/2302.06675).

The direction and the average take different weights, and only the direction's sign is used.
"""

from stepcheck_reference.alphabet import beta1, beta2, g, lr, m, sign, theta, weight_decay
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

c = beta1 * m + (1 - beta1) * g
theta_t = theta - lr * (sign(c) + weight_decay * theta)
m_t = beta2 * m + (1 - beta2) * g

LION = Rule(
    "lion",
    title="Lion: the sign of a short average; a long one is state.",
    source="Chen et al. 2023, Algorithm 2, https://arxiv.org/abs/2302.06675",
    init={m: 0},
    step={theta: theta_t, m: m_t},
    where={"direction": c},
    domains={lr: NONNEGATIVE, beta1: AVERAGED, beta2: AVERAGED, weight_decay: NONNEGATIVE},
    defaults={lr: 1e-4, beta1: 0.9, beta2: 0.99},
    forms={theta: ((1 - lr * weight_decay) * theta - lr * sign(c),)},
)
