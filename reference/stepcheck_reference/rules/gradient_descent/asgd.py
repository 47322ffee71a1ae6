"""Averaged SGD in the form of torch.optim.ASGD. Polyak & Juditsky 1992 (https://doi.org/10.1137/0330046).

The rate and the weight of the average are state, one number a tensor, and a step uses those of the step before: a
changed lr is felt one step late, and ax is the mean of the parameters after step t0 + 2 and later ones.
"""

from stepcheck_reference.alphabet import Eq, Max, Piecewise, alpha, ax, eta, g, lambd, lr, mu, t, t0, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

theta_t = (1 - lambd * eta) * theta - eta * g
ax_t = Piecewise((theta_t, Eq(mu, 1)), (ax + mu * (theta_t - ax), True))
eta_t = lr / (1 + lambd * lr * t) ** alpha
mu_t = 1 / Max(1, t - t0)
theta_at_once = theta - eta * (g + lambd * theta)  # as torch's foreach path takes the step

ASGD = Rule(
    "asgd",
    title="Averaged SGD: falling steps, averaged parameters.",
    source=(
        "torch.optim.ASGD, after Polyak & Juditsky 1992, https://doi.org/10.1137/0330046; the rate falls as in "
        "Bottou 2012, https://doi.org/10.1007/978-3-642-35289-8_25"
    ),
    defaults={lambd: 1e-4, alpha: 0.75},
    init={ax: 0},
    step={theta: theta_t, ax: ax_t, eta: eta_t, mu: mu_t},
    domains={lr: NONNEGATIVE, lambd: NONNEGATIVE, alpha: NONNEGATIVE, t0: NONNEGATIVE},
    scalars={eta: lr, mu: 1},
    forms={theta: (theta_at_once,), ax: (ax + mu * (theta_t - ax), ax + mu * (theta_at_once - ax))},
)
