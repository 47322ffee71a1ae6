"""Lion in one pass over memory: block after block that stays in the cache, and nothing computed twice.

python -m stepcheck certify examples/fast.py:FusedLion --as lion
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

BLOCK = 1 << 15
"""Elements of a block: its parameters, gradients, averages and directions stay in a core's cache."""


def blocks(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield tensors of one shape in blocks, as views; whole where one of them is not contiguous."""
    if all(tensor.is_contiguous() for tensor in tensors):
        yield from zip(*(tensor.view(-1).split(BLOCK) for tensor in tensors), strict=True)
    else:
        yield tensors


class FusedLion(torch.optim.Optimizer):
    """Lion whose averages are interpolations in place; follows ``lion``."""

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
                if p.grad is None:
                    continue
                average = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                gradient = p.grad.to_dense() if p.grad.is_sparse else p.grad
                for x, g, m in blocks(p, gradient, average):
                    direction = torch.lerp(m, g, 1 - beta1).sign_()
                    m.lerp_(g, 1 - beta2)
                    if weight_decay:
                        x.mul_(1 - lr * weight_decay)
                    x.sub_(direction, alpha=lr)
