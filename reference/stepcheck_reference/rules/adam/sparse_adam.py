"""Adam that leaves an element alone where its gradient is 0, in the form of torch.optim.SparseAdam.

t counts every gradient of a parameter, also one that an element is left out of. A sparse gradient that stores a 0
is no gradient of 0 to that class, and this rule is about those that store none.
"""

from stepcheck_reference.alphabet import Eq, Piecewise, beta1, beta2, eps, g, lr, m, sqrt, t, theta, v
from stepcheck_reference.domain import CORRECTED, NONNEGATIVE
from stepcheck_reference.rule import Rule

m_moved = beta1 * m + (1 - beta1) * g
v_moved = beta2 * v + (1 - beta2) * g**2
m_t = Piecewise((m, Eq(g, 0)), (m_moved, True))
v_t = Piecewise((v, Eq(g, 0)), (v_moved, True))
lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
theta_t = theta - lr_t * Piecewise((0, Eq(g, 0)), (m_moved / (sqrt(v_moved) + eps), True))

SPARSE_ADAM = Rule(
    "sparse_adam",
    title="Adam that passes over elements without a gradient.",
    source="torch.optim.SparseAdam, after Kingma & Ba 2015, end of section 2, https://arxiv.org/abs/1412.6980",
    init={m: 0, v: 0},
    step={m: m_t, v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta1: CORRECTED, beta2: CORRECTED, eps: NONNEGATIVE},
    defaults={lr: 0.001, beta1: 0.9, beta2: 0.999, eps: 1e-8},
)
