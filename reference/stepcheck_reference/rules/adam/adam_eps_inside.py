"""Adam with epsilon inside the root. Hand-written versions and surveys; eps_root of optax.scale_by_adam.

theta_t = theta - lr * m_hat / sqrt(v_hat + eps), the moments as in Adam.
"""

from stepcheck_reference.rewrites.eps_inside import EPS_INSIDE
from stepcheck_reference.rules.adam.adam import ADAM

ADAM_EPS_INSIDE = EPS_INSIDE(ADAM).named(
    "adam_eps_inside",
    title="Adam with eps inside the root.",
    source="common in hand-written versions; eps_root of optax.scale_by_adam, https://optax.readthedocs.io",
)
