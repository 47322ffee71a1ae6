"""AdaGrad in the form of optax.adagrad: eps under the root, and no step where the sum is 0."""

from stepcheck_reference.alphabet import Piecewise, eps, g, h, lr, sqrt, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

h_t = h + g**2
theta_t = theta - lr * Piecewise((g / sqrt(h_t + eps), h_t > 0), (0, True))

ADAGRAD_OPTAX = Rule(
    "adagrad_optax",
    title="AdaGrad as in optax: eps inside; rests where h is 0.",
    source="optax.scale_by_rss, after Duchi et al. 2011; it starts h at 0.1",
    init={h: 0},
    step={h: h_t, theta: theta_t},
    domains={lr: NONNEGATIVE, eps: NONNEGATIVE},
)
