"""Momentum with the learning rate inside. Sutskever et al. 2013, eqs. 1 and 2 (proceedings.mlr.press/v28).

The paper prints the buffer with the other sign. It is torch's form only while lr stays constant.
"""

from stepcheck_reference.alphabet import g, lr, momentum, theta, velocity
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

velocity_t = momentum * velocity + lr * g
theta_t = theta - velocity_t

MOMENTUM_LR_INSIDE = Rule(
    "momentum_lr_inside",
    title="Momentum whose buffer keeps the lr of each gradient.",
    source="Sutskever et al. 2013, eqs. 1 and 2, https://proceedings.mlr.press/v28/sutskever13.html",
    init={velocity: 0},
    step={velocity: velocity_t, theta: theta_t},
    domains={lr: NONNEGATIVE, momentum: NONNEGATIVE},
)
