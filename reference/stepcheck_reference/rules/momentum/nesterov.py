"""Nesterov momentum in the form of torch.optim.SGD(nesterov=True), without dampening.

After Sutskever et al. 2013, eqs. 3 and 4 (https://proceedings.mlr.press/v28/sutskever13.html). The parameters
stored are the look-ahead ones, so that the gradient is taken where they are.
"""

from stepcheck_reference.alphabet import Eq, Piecewise, b, g, lr, momentum, t, theta
from stepcheck_reference.domain import NONNEGATIVE, buffered
from stepcheck_reference.rule import Rule

b_t = Piecewise((g, Eq(t, 1)), (momentum * b + g, True))
theta_t = theta - lr * (g + momentum * b_t)

NESTEROV = Rule(
    "nesterov",
    title="Nesterov momentum as in torch: the buffer looks ahead.",
    source="torch.optim.SGD(nesterov=True), after Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html",
    init={b: 0},
    step={b: b_t, theta: theta_t},
    domains={lr: NONNEGATIVE, momentum: buffered("sgd")},
)
