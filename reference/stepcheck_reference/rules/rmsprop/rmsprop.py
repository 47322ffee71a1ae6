"""RMSprop in the form of torch.optim.RMSprop. Hinton 2012, lecture 6e.

The lecture (https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf) has no epsilon; torch adds it
to the root.
"""

from stepcheck_reference.alphabet import beta2, eps, g, lr, sqrt, theta, v
from stepcheck_reference.domain import AVERAGED, NONNEGATIVE
from stepcheck_reference.rule import Rule

v_t = beta2 * v + (1 - beta2) * g**2
theta_t = theta - lr * g / (sqrt(v_t) + eps)

RMSPROP = Rule(
    "rmsprop",
    title="RMSprop: the gradient over its root mean square.",
    source=(
        "Hinton 2012, lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf; "
        "eps as in torch.optim.RMSprop"
    ),
    init={v: 0},
    step={v: v_t, theta: theta_t},
    domains={lr: NONNEGATIVE, beta2: AVERAGED, eps: NONNEGATIVE},
    defaults={beta2: 0.9},
)
