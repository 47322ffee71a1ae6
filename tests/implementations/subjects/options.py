"""Optimizers with options."""

import torch


class Signed(torch.optim.Optimizer):
    """Gradient descent that may rise."""

    def __init__(self, params, lr=1e-2, flip=False, foreach=None):
        super().__init__(params, {"lr": lr})
        self.flip = flip

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.add_(p.grad, alpha=group["lr"] if self.flip else -group["lr"])
