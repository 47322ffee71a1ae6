"""Schedule-Free AdamW. Defazio et al. 2024, Algorithm 2 (https://arxiv.org/abs/2405.15682), as its code has it.

As Schedule-Free SGD, with a gradient over the corrected root of its second moment; there is no first moment.
"""

from stepcheck_reference.alphabet import (
    beta1,
    beta2,
    eps,
    g,
    lr,
    lr_max,
    sqrt,
    t,
    theta,
    v,
    weight_decay,
    weight_sum,
    z,
)
from stepcheck_reference.domain import AVERAGED, CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.schedule_free.schedulefree_sgd import c, lr_max_t, start, weight_sum_t

v_t = beta2 * v + (1 - beta2) * g**2
d = g / (sqrt(v_t / (1 - beta2**t)) + eps) + weight_decay * theta
z_t = start - lr * d
theta_t = (1 - c) * theta + c * start - lr * (1 - beta1 * (1 - c)) * d

SCHEDULEFREE_ADAMW = Rule(
    "schedulefree_adamw",
    title="Schedule-Free AdamW: RMS steps, averaged as they go.",
    source="Defazio et al. 2024, Algorithm 2, https://arxiv.org/abs/2405.15682; schedulefree.AdamWScheduleFree",
    init={v: 0, z: 0},
    scalars={lr_max: 0, weight_sum: 0},
    step={lr_max: lr_max_t, weight_sum: weight_sum_t, v: v_t, z: z_t, theta: theta_t},
    where={"share": c},
    domains={lr: NONNEGATIVE, beta1: AVERAGED, beta2: CORRECTED, eps: NONNEGATIVE, weight_decay: NONNEGATIVE},
    defaults={lr: 0.0025, beta1: 0.9, beta2: 0.999, eps: 1e-8},
    forms={theta: (theta + c * (start - theta) - lr * (1 - beta1 * (1 - c)) * d,)},
)
