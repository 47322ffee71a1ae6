"""AdamW. Loshchilov & Hutter 2019, Algorithm 2 (https://arxiv.org/abs/1711.05101), in the form of torch.optim.

theta_t = theta * (1 - lr * weight_decay) - lr * m_hat / (sqrt(v_hat) + eps), the moments as in Adam; the
paper's decay is not multiplied by lr (adam+decoupled_decay_paper).
"""

from stepcheck_reference.rewrites.decay.decoupled_decay import DECOUPLED_DECAY
from stepcheck_reference.rules.adam.adam import ADAM

ADAMW = DECOUPLED_DECAY(ADAM).named(
    "adamw",
    title="AdamW: Adam and a shrinkage by 1 - lr*weight_decay.",
    source="Loshchilov & Hutter 2019, Algorithm 2, https://arxiv.org/abs/1711.05101; decay times lr as in torch.optim",
)
