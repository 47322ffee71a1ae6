"""ADADELTA. Zeiler 2012, Algorithm 1 (https://arxiv.org/abs/1212.5701).

The step uses the average of squared updates from before it; lr is 1 in the paper.
"""

from stepcheck_reference.alphabet import eps, g, lr, once, rho, sqrt, theta, v, x
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = rho * v + (1 - rho) * g**2
delta = sqrt(x + eps) / sqrt(v_t + eps) * g
x_t = rho * x + (1 - rho) * once(delta) ** 2
theta_t = theta - lr * delta

ADADELTA = Rule(
    "adadelta",
    title="ADADELTA: the gradient times a ratio of two roots.",
    source="Zeiler 2012, Algorithm 1, https://arxiv.org/abs/1212.5701; lr as in torch.optim.Adadelta",
    init={v: 0, x: 0},
    step={v: v_t, x: x_t, theta: theta_t},
    where={"delta": delta},
    domains={lr: NONNEGATIVE, rho: AVERAGED, eps: NONNEGATIVE},
    defaults={lr: 1.0, rho: 0.95, eps: 1e-6},
)
