"""Schedule-Free SGD. Defazio et al. 2024, Algorithm 1 (https://arxiv.org/abs/2405.15682), as its code has it.

Gradients are taken at theta, between the point z that plain steps reach and the average x of those points. x itself is
not stored: it is theta + (1 - 1/beta)*(z - theta). A point weighs the square of the largest learning rate so far.
"""

from stepcheck_reference.alphabet import (
    Eq,
    Max,
    Piecewise,
    beta,
    g,
    lr,
    lr_max,
    once,
    t,
    theta,
    weight_decay,
    weight_sum,
    z,
)
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

lr_max_t = Max(lr_max, lr)
weight_sum_t = weight_sum + lr_max_t**2
c = once(Piecewise((0, Eq(weight_sum_t, 0)), (lr_max_t**2 / weight_sum_t, True)))  # what the newest point weighs in x
start = Piecewise((theta, Eq(t, 1)), (z, True))
d = g + weight_decay * theta
z_t = start - lr * d
theta_t = (1 - c) * theta + c * start - lr * (1 - beta * (1 - c)) * d

SCHEDULEFREE_SGD = Rule(
    "schedulefree_sgd",
    title="Schedule-Free SGD: steps of z, averaged as they go.",
    source="Defazio et al. 2024, Algorithm 1, https://arxiv.org/abs/2405.15682; schedulefree.SGDScheduleFree",
    init={z: 0},
    scalars={lr_max: 0, weight_sum: 0},
    step={lr_max: lr_max_t, weight_sum: weight_sum_t, z: z_t, theta: theta_t},
    where={"share": c},
    domains={lr: NONNEGATIVE, beta: AVERAGED, weight_decay: NONNEGATIVE},
    defaults={lr: 1.0, beta: 0.9},
    forms={theta: (theta + c * (start - theta) - lr * (1 - beta * (1 - c)) * d,)},
)
