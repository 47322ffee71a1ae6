"""RMSprop, centered, with epsilon under the root. Graves 2013, eq. 40 (https://arxiv.org/abs/1308.0850)."""

from stepcheck_reference.alphabet import a, beta2, eps, g, lr, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
a_t = beta2 * a + (1 - beta2) * g
theta_t = theta - lr * g / sqrt(v_t - a_t**2 + eps)

RMSPROP_CENTERED_EPS_INSIDE = Rule(
    "rmsprop_centered_eps_inside",
    title="RMSprop, centered, with eps inside the root.",
    source="Graves 2013, eq. 40, https://arxiv.org/abs/1308.0850; TensorFlow, Keras 3, optax.rmsprop(centered=True)",
    init={v: 0, a: 0},
    step={v: v_t, a: a_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE},
    defaults={beta2: 0.95, lr: 1e-4, eps: 1e-4},
)
