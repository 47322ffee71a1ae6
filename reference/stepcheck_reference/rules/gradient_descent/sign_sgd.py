"""signSGD. Bernstein et al. 2018, Algorithm 1 (https://arxiv.org/abs/1802.04434).

Surveys print it as Rprop, which adapts a step an element (rprop).
"""

from stepcheck_reference.alphabet import g, lr, sign, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

theta_t = theta - lr * sign(g)

SIGN_SGD = Rule(
    "sign_sgd",
    title="signSGD: a step of lr against the gradient's sign.",
    source="Bernstein et al. 2018, Algorithm 1, https://arxiv.org/abs/1802.04434",
    init={},
    step={theta: theta_t},
    domains={lr: NONNEGATIVE},
)
