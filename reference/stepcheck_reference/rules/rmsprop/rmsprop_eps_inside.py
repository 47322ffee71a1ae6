"""RMSprop with epsilon under the root, as TensorFlow, Keras 3, optax by default and several notes have it."""

from stepcheck_reference.alphabet import beta2, eps, g, lr, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
theta_t = theta - lr * g / sqrt(v_t + eps)

RMSPROP_EPS_INSIDE = Rule(
    "rmsprop_eps_inside",
    title="RMSprop with eps inside the root.",
    source="keras.optimizers.RMSprop; optax.rmsprop; after Hinton 2012, lecture 6e",
    init={v: 0},
    step={v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE},
    defaults={beta2: 0.9},
)
