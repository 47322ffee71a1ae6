"""RMSprop, centered, with momentum. Graves 2013, eqs. 38 to 45 (https://arxiv.org/abs/1308.0850), as torch has it."""

from stepcheck_reference.alphabet import a, b, beta2, eps, g, lr, momentum, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE, buffered
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
a_t = beta2 * a + (1 - beta2) * g
b_t = momentum * b + g / (sqrt(v_t - a_t**2) + eps)
theta_t = theta - lr * b_t

RMSPROP_CENTERED_MOMENTUM = Rule(
    "rmsprop_centered_momentum",
    title="RMSprop, centered, with momentum behind the division.",
    source="torch.optim.RMSprop(centered=True, momentum=...), after Graves 2013, eqs. 38-45, https://arxiv.org/abs/1308.0850",
    init={v: 0, a: 0, b: 0},
    step={v: v_t, a: a_t, b: b_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE, momentum: buffered("rmsprop_centered")},
    defaults={beta2: 0.95, lr: 1e-4, momentum: 0.9, eps: 1e-4},
)
