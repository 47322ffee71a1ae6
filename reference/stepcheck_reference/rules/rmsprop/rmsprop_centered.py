"""RMSprop, centered. Graves 2013, eqs. 38 to 45 (https://arxiv.org/abs/1308.0850), in the form of torch.optim.RMSprop.

The divisor is the root of a variance, v - a**2, which cancels: a constant gradient drives it to rounding noise.
"""

from stepcheck_reference.alphabet import a, beta2, eps, g, lr, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
a_t = beta2 * a + (1 - beta2) * g
theta_t = theta - lr * g / (sqrt(v_t - a_t**2) + eps)

RMSPROP_CENTERED = Rule(
    "rmsprop_centered",
    title="RMSprop, centered: over the standard deviation.",
    source="torch.optim.RMSprop(centered=True), after Graves 2013, eqs. 38-45, https://arxiv.org/abs/1308.0850",
    init={v: 0, a: 0},
    step={v: v_t, a: a_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE},
    defaults={beta2: 0.95, lr: 1e-4, eps: 1e-4},
)
