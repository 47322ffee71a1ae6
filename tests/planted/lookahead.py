"""Nesterov's look-ahead, which asks for the gradient where momentum leads: one right, the others wrong."""

import torch


class LookaheadNesterov(torch.optim.Optimizer):
    """Claims Nesterov's look-ahead; moves on, asks for the gradient, and steps from where it was."""

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def ahead(self, group):
        """Return how much of the buffer to move on by before the gradient is asked for."""
        return group["lr"] * group["momentum"]

    def taken(self, b, g, group):
        """Move the buffer on by a gradient."""
        b.mul_(group["momentum"]).add_(g)

    def step(self, closure):
        start = {}
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state.setdefault("momentum_buffer", torch.zeros_like(p))
                    start[p] = p.clone()
                    p.sub_(state["momentum_buffer"], alpha=self.ahead(group))
        with torch.enable_grad():
            loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.copy_(start[p])
                    if p.grad is not None:
                        b = self.state[p]["momentum_buffer"]
                        self.taken(b, p.grad, group)
                        p.sub_(b, alpha=group["lr"])
        return loss


class LookaheadNotTaken(LookaheadNesterov):
    """Claims Nesterov's look-ahead; asks for the gradient where it stands, which is plain momentum."""

    def ahead(self, group):
        return 0.0


class LookaheadTooFar(LookaheadNesterov):
    """Claims Nesterov's look-ahead; moves on by the whole buffer, momentum forgotten."""

    def ahead(self, group):
        return group["lr"]


class LookaheadAverages(LookaheadNesterov):
    """Claims Nesterov's look-ahead; keeps an average of gradients, not their sum."""

    def taken(self, b, g, group):
        b.mul_(group["momentum"]).add_(g, alpha=1 - group["momentum"])
