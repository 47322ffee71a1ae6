"""Lion in plain lines, to read and to compare a faster one with.

python -m stepcheck certify examples/slow.py:Lion --as lion
python -m stepcheck certify examples/fast.py:FusedLion --as lion
"""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Lion(torch.optim.Optimizer):
    """Lion, Algorithm 2 line by line; follows ``lion``."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            lr, (beta1, beta2), weight_decay = group["lr"], group["betas"], group["weight_decay"]
            for p in group["params"]:
                if p.grad is not None:
                    m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                    c = beta1 * m + (1 - beta1) * p.grad
                    p -= lr * (torch.sign(c) + weight_decay * p)
                    m.copy_(beta2 * m + (1 - beta2) * p.grad)
