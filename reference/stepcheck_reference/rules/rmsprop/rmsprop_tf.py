"""RMSprop in the form of TensorFlow 1: v starts at 1, eps is inside, and lr is inside the momentum buffer."""

from stepcheck_reference.alphabet import beta2, eps, g, lr, momentum, sqrt, theta, v, velocity
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
velocity_t = momentum * velocity + lr * g / sqrt(v_t + eps)
theta_t = theta - velocity_t

RMSPROP_TF = Rule(
    "rmsprop_tf",
    title="RMSprop as in TensorFlow 1: v from 1, lr in the buffer.",
    source="tf.compat.v1.train.RMSPropOptimizer; timm.optim.RMSpropTF",
    init={v: 1, velocity: 0},
    step={v: v_t, velocity: velocity_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE, momentum: NONNEGATIVE},
    defaults={beta2: 0.9, momentum: 0.0, eps: 1e-10},
)
