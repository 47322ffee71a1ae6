"""RAdam that rests until its variance is rectified: no step, and no decay, while rho is below 5.

After Liu et al. 2020, Algorithm 2 (https://arxiv.org/abs/1908.03265), whose first steps
are without the divisor instead.
"""

from stepcheck_reference.alphabet import Piecewise, beta1, beta2, eps, g, lr, m, once, sqrt, t, theta, v, weight_decay
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
m_hat = m_t / (1 - beta1**t)
rho_inf = once(2 / (1 - beta2) - 1)
rho_t = once(rho_inf - 2 * t * beta2**t / (1 - beta2**t))
rect = sqrt((rho_t - 4) * (rho_t - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho_t))
rectified = m_hat * rect * sqrt(1 - beta2**t) / (sqrt(v_t) + eps)
theta_t = Piecewise((theta * (1 - lr * weight_decay) - lr * rectified, rho_t >= 5), (theta, True))

RADAM_RESTING = Rule(
    "radam_resting",
    title="RAdam that rests until rho reaches 5.",
    source="pytorch_optimizer.RAdam(degenerated_to_sgd=False), after Liu et al. 2020, Algorithm 2",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    where={"rho_inf": rho_inf, "rho_t": rho_t, "rectification": rect},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE, weight_decay: NONNEGATIVE},
    defaults={lr: 0.001, beta1: 0.9, beta2: 0.999, eps: 1e-8},
)
