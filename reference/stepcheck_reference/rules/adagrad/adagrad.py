"""AdaGrad, diagonal. Duchi, Hazan & Singer 2011, Figure 1 (https://jmlr.org/papers/v12/duchi11a.html)."""

from stepcheck_reference.alphabet import eps, g, h, lr, sqrt, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

h_t = h + g**2
theta_t = theta - lr * g / (sqrt(h_t) + eps)

ADAGRAD = Rule(
    "adagrad",
    title="AdaGrad: the gradient over the root of summed squares.",
    source="Duchi et al. 2011, Figure 1, https://jmlr.org/papers/v12/duchi11a.html; eps as in torch.optim.Adagrad",
    init={h: 0},
    step={h: h_t, theta: theta_t},
    domains={lr: NONNEGATIVE, eps: NONNEGATIVE},
)
