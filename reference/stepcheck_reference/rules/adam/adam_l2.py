"""Adam with L2 regularisation. Kingma & Ba 2015, Algorithm 1, on the gradient of a regularised objective.

Adam sees g + weight_decay * theta, so the decay enters both moments; Loshchilov & Hutter 2019, Algorithm 2
(https://arxiv.org/abs/1711.05101) compares it with AdamW.
"""

from stepcheck_reference.rewrites.decay.coupled_decay import COUPLED_DECAY
from stepcheck_reference.rules.adam.adam import ADAM

ADAM_L2 = COUPLED_DECAY(ADAM).named(
    "adam_l2",
    title="Adam on the gradient plus weight_decay*theta.",
    source="torch.optim.Adam(weight_decay=...); Loshchilov & Hutter 2019, Alg. 2, https://arxiv.org/abs/1711.05101",
)
