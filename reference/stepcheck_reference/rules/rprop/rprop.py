"""Rprop in the form of torch.optim.Rprop. Riedmiller & Braun 1993 (https://doi.org/10.1109/ICNN.1993.298623).

Every element has a step size of its own, which grows while its gradient keeps its sign; where the sign turns the
element rests. This is Rprop- of Igel & Huesken 2003: no step is taken back.
"""

from stepcheck_reference.alphabet import (
    Max,
    Min,
    Piecewise,
    eta_minus,
    eta_plus,
    g,
    g_prev,
    lr,
    sign,
    step_max,
    step_min,
    step_size,
    theta,
)
from stepcheck_reference.domain import GROWTH, NONNEGATIVE, SHRINKAGE
from stepcheck_reference.rule import Rule

turn = g * g_prev
factor = Piecewise((eta_plus, turn > 0), (eta_minus, turn < 0), (1, True))
step_size_t = Min(Max(step_size * factor, step_min), step_max)
g_kept = Piecewise((0, turn < 0), (g, True))
theta_t = theta - step_size_t * Piecewise((0, turn < 0), (sign(g), True))

RPROP = Rule(
    "rprop",
    title="Rprop as in torch: step sizes an element, led by signs.",
    source="torch.optim.Rprop, after Riedmiller & Braun 1993, https://doi.org/10.1109/ICNN.1993.298623",
    init={g_prev: 0, step_size: lr},
    step={step_size: step_size_t, g_prev: g_kept, theta: theta_t},
    where={"turn": turn, "factor": factor},
    domains={lr: NONNEGATIVE, eta_minus: SHRINKAGE, eta_plus: GROWTH, step_min: NONNEGATIVE, step_max: NONNEGATIVE},
    defaults={lr: 0.1, eta_minus: 0.5, eta_plus: 1.2, step_min: 1e-6, step_max: 50.0},
)
