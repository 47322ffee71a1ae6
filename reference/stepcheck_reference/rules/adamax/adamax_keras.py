"""AdaMax in the form of Keras: the maximum is of |g| itself, and eps is added to the divisor.

At eps = 0 it is Kingma & Ba 2015, Algorithm 2 (https://arxiv.org/abs/1412.6980), to the letter.
"""

from stepcheck_reference.alphabet import Abs, Max, beta1, beta2, eps, g, lr, m, t, theta, u
from stepcheck_reference.domain import AVERAGED, CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
u_t = Max(beta2 * u, Abs(g))
theta_t = theta - lr / (1 - beta1**t) * m_t / (u_t + eps)

ADAMAX_KERAS = Rule(
    "adamax_keras",
    title="AdaMax as in Keras: eps is added to the divisor.",
    source="keras.optimizers.Adamax, after Kingma & Ba 2015, Algorithm 2, https://arxiv.org/abs/1412.6980",
    init={m: 0, u: 0},
    step={m: m_t, u: u_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: AVERAGED, eps: NONNEGATIVE},
    defaults={lr: 0.002, beta1: 0.9, beta2: 0.999},
)
