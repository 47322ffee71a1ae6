"""Adan whose decay shrinks the parameters before the step, no_prox of its code, after Xie et al. 2022.

theta_t = theta * (1 - lr * weight_decay) - lr * u, the averages and u as in Adan.
"""

from stepcheck_reference.alphabet import lr, theta, weight_decay
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adan.adan import ADAN, apart, u

ADAN_NO_PROX = Rule(
    "adan_no_prox",
    title="Adan with a shrinkage by 1 - lr*weight_decay.",
    source="Adan(no_prox=True) of Xie et al. 2022, https://arxiv.org/abs/2208.06677",
    init=ADAN.init,
    step={**ADAN.step, theta: theta * (1 - lr * weight_decay) - lr * u},
    domains=ADAN.domains,
    forms={theta: (theta * (1 - lr * weight_decay) - apart,)},
    defaults=ADAN.defaults,
)
