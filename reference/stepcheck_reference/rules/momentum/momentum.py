"""Momentum in the form of torch.optim.SGD. Polyak 1964 (https://doi.org/10.1016/0041-5553(64)90137-5).

The buffer holds gradients without lr, and the first gradient enters it whole, whatever the dampening.
"""

from stepcheck_reference.alphabet import Eq, Piecewise, b, dampening, g, lr, momentum, t, theta
from stepcheck_reference.domain import DAMPED, NONNEGATIVE, buffered
from stepcheck_reference.rule import Rule

b_t = Piecewise((g, Eq(t, 1)), (momentum * b + (1 - dampening) * g, True))
theta_t = theta - lr * b_t

MOMENTUM = Rule(
    "momentum",
    title="Momentum as in torch: a decaying sum of gradients.",
    source="torch.optim.SGD(momentum=...), after Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5",
    init={b: 0},
    step={b: b_t, theta: theta_t},
    domains={lr: NONNEGATIVE, momentum: buffered("sgd", "dampening"), dampening: DAMPED},
)
