"""ADADELTAs: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenAdadelta(torch.optim.Optimizer):
    """Claims ADADELTA; the update is scaled by the average of those before it."""

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6):
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps})

    def scale(self, x, v, eps):
        return (x + eps).sqrt() / (v + eps).sqrt()

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            rho, eps = group["rho"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, v=torch.zeros_like(p).detach(), x=torch.zeros_like(p).detach())
                state["step"] += 1
                v, x = state["v"], state["x"]
                v.copy_(rho * v + (1 - rho) * p.grad * p.grad)
                delta = self.delta(p.grad, x, v, rho, eps)
                x.copy_(rho * x + (1 - rho) * delta * delta)
                p.sub_(group["lr"] * delta)

    def delta(self, g, x, v, rho, eps):
        return self.scale(x, v, eps) * g


class AdadeltaUsesNewUpdates(HandWrittenAdadelta):
    """Claims ADADELTA; scales the update by the average that this update has entered already."""

    def delta(self, g, x, v, rho, eps):
        first = self.scale(x, v, eps) * g
        return self.scale(rho * x + (1 - rho) * first * first, v, eps) * g


class AdadeltaEpsOutsideRoots(HandWrittenAdadelta):
    """Claims ADADELTA; adds eps to the roots instead of under them."""

    def scale(self, x, v, eps):
        return (x.sqrt() + eps) / (v.sqrt() + eps)


class AdadeltaAveragesGradients(HandWrittenAdadelta):
    """Claims ADADELTA; forgets its own units and scales by the learning rate alone."""

    def scale(self, x, v, eps):
        return 1 / (v + eps).sqrt()
