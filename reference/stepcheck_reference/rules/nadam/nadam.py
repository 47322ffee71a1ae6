"""NAdam, with its momentum schedule, in the form of torch.optim.NAdam.

Dozat 2016, Algorithm 2 (https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ).

The product of the schedule is state, one number a tensor. momentum_decay is 0.004, 1/250, in the paper; Keras has 1.
"""

from stepcheck_reference.alphabet import (
    beta1,
    beta2,
    eps,
    g,
    lr,
    m,
    momentum_decay,
    mu_product,
    once,
    schedule_base,
    sqrt,
    t,
    theta,
    v,
)
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

mu_now = once(beta1 * (1 - schedule_base ** (t * momentum_decay) / 2))
mu_next = once(beta1 * (1 - schedule_base ** ((t + 1) * momentum_decay) / 2))
mu_product_t = mu_product * mu_now
m_t = beta1 * m + (1 - beta1) * g
v_t = beta2 * v + (1 - beta2) * g**2
divisor = sqrt(v_t / (1 - beta2**t)) + eps
now = lr * (1 - mu_now) / (1 - mu_product_t) * g / divisor
ahead = lr * mu_next / (1 - mu_product_t * mu_next) * m_t / divisor
theta_t = theta - now - ahead  # two quotients, as torch takes them; the paper has one bracket over one divisor

NADAM = Rule(
    "nadam",
    title="NAdam: Adam with Nesterov momentum on Dozat's schedule.",
    source="torch.optim.NAdam, after Dozat 2016, Algorithm 2, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
    init={m: 0, v: 0},
    step={mu_product: mu_product_t, m: m_t, v: v_t, theta: theta_t},
    where={"mu_t": mu_now, "mu_next": mu_next, "divisor": divisor},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE, momentum_decay: NONNEGATIVE},
    scalars={mu_product: 1},
    constants={schedule_base: 0.96},
    defaults={lr: 0.002, beta1: 0.99, beta2: 0.999, eps: 1e-8, momentum_decay: 0.004},
)
