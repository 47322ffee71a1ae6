"""AdaGrad with epsilon under the root, as surveys, course notes and Keras 3 have it."""

from stepcheck_reference.alphabet import eps, g, h, lr, sqrt, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

h_t = h + g**2
theta_t = theta - lr * g / sqrt(h_t + eps)

ADAGRAD_EPS_INSIDE = Rule(
    "adagrad_eps_inside",
    title="AdaGrad with eps inside the root.",
    source="surveys and course notes; keras.optimizers.Adagrad, which starts h at 0.1",
    init={h: 0},
    step={h: h_t, theta: theta_t},
    domains={lr: NONNEGATIVE, eps: NONNEGATIVE},
)
