"""Gradient descent and momentum in a loop, all right; each optimizer that uses them has one part wrong."""

import torch


class SgdLoop(torch.optim.Optimizer):
    """Torch's gradient descent."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.groups():
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.gradient(p), group)
        return loss

    def groups(self):
        return self.param_groups

    def gradient(self, p):
        return p.grad

    def update(self, p, g, group):
        p.sub_(g * float(group["lr"]))


class MomentumLoop(SgdLoop):
    """Torch's momentum."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    def state_of(self, p):
        return self.state[p]

    def update(self, p, g, group):
        state = self.state_of(p)
        if "momentum_buffer" in state:
            state["momentum_buffer"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        else:
            state["momentum_buffer"] = g.clone()
        super().update(p, state["momentum_buffer"], group)
