"""Rprop in the form of optax.rprop: each step applies the update computed at the step before.

Step sizes are clamped only where the sign stayed or turned, and the element rests where it turned.
"""

from stepcheck_reference.alphabet import (
    Eq,
    Max,
    Min,
    Piecewise,
    eta_minus,
    eta_plus,
    g,
    lr,
    pending,
    sign,
    step_max,
    step_min,
    step_size,
    theta,
)
from stepcheck_reference.domain import GROWTH, NONNEGATIVE, SHRINKAGE
from stepcheck_reference.rule import Rule

turn = g * pending
factor = Piecewise((eta_plus, turn > 0), (eta_minus, True))
step_size_t = Piecewise((step_size, Eq(turn, 0)), (Min(Max(step_size * factor, step_min), step_max), True))
pending_t = Piecewise((0, turn < 0), (step_size_t * sign(g), True))
theta_t = theta - Piecewise((0, turn < 0), (pending, True))

RPROP_OPTAX = Rule(
    "rprop_optax",
    title="Rprop as in optax: it lags one step.",
    source="optax.scale_by_rprop, after Riedmiller & Braun 1993",
    init={pending: 0, step_size: lr},
    step={step_size: step_size_t, pending: pending_t, theta: theta_t},
    where={"turn": turn, "factor": factor},
    domains={lr: NONNEGATIVE, eta_minus: SHRINKAGE, eta_plus: GROWTH, step_min: NONNEGATIVE, step_max: NONNEGATIVE},
    defaults={lr: 0.1, eta_minus: 0.5, eta_plus: 1.2, step_min: 1e-6, step_max: 50.0},
)
