"""RAdam in the form of optax.radam. After Liu et al. 2020, Algorithm 2 (https://arxiv.org/abs/1908.03265).

The variance is rectified from rho = 5 on, and eps is added to the corrected root.
"""

from stepcheck_reference.alphabet import Piecewise, beta1, beta2, eps, g, lr, m, once, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
m_hat = m_t / (1 - beta1**t)
rho_inf = once(2 / (1 - beta2) - 1)
rho_t = once(rho_inf - 2 * t * beta2**t / (1 - beta2**t))
rect = sqrt((rho_t - 4) * (rho_t - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho_t))
scale = Piecewise((rect / (sqrt(v_t / (1 - beta2**t)) + eps), rho_t >= 5), (1, True))
theta_t = theta - lr * m_hat * scale

RADAM_OPTAX = Rule(
    "radam_optax",
    title="RAdam as in optax: eps is added to the corrected root.",
    source="optax.radam, after Liu et al. 2020, Algorithm 2, https://arxiv.org/abs/1908.03265",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    where={"rho_inf": rho_inf, "rho_t": rho_t, "rectification": rect},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
    defaults={lr: 0.001, beta1: 0.9, beta2: 0.999},
)
