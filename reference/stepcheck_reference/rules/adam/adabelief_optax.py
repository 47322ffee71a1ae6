"""AdaBelief in the form of optax.adabelief: what is added to the state and to the root are two hyper-parameters.

With one value for both it is AdaBelief as in its paper.
"""

from stepcheck_reference.alphabet import beta1, beta2, eps, eps_root, g, lr, m, s, sqrt, t, theta
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
s_t = beta2 * s + (1 - beta2) * (g - m_t) ** 2 + eps_root
m_hat = m_t / (1 - beta1**t)
s_hat = s_t / (1 - beta2**t)
theta_t = theta - lr * m_hat / (sqrt(s_hat) + eps)

ADABELIEF_OPTAX = Rule(
    "adabelief_optax",
    title="AdaBelief as in optax: eps_root in the state, eps not.",
    source="optax.adabelief, after Zhuang et al. 2020, Algorithm 2, https://arxiv.org/abs/2010.07468",
    init={m: 0, s: 0},
    step={m: m_t, s: s_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE, eps_root: NONNEGATIVE},
    defaults={beta1: 0.9, beta2: 0.999, eps: 1e-16, eps_root: 1e-16},
)
