"""RMSprop with momentum, in the form of torch.optim.RMSprop: a buffer of scaled gradients without lr."""

from stepcheck_reference.alphabet import b, beta2, eps, g, lr, momentum, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE, buffered
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
b_t = momentum * b + g / (sqrt(v_t) + eps)
theta_t = theta - lr * b_t

RMSPROP_MOMENTUM = Rule(
    "rmsprop_momentum",
    title="RMSprop with momentum behind the division.",
    source="torch.optim.RMSprop(momentum=...), after Hinton 2012, lecture 6e",
    init={v: 0, b: 0},
    step={v: v_t, b: b_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE, momentum: buffered("rmsprop")},
    defaults={beta2: 0.9},
)
