"""AdaMaxes: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenAdamax(torch.optim.Optimizer):
    """Follows ``adamax``: eps is added to |g| before the maximum is taken."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def norm(self, u, g, beta2, eps):
        return torch.maximum(beta2 * u, g.abs() + eps)

    def rate(self, lr, beta1, t):
        return lr / (1 - beta1**t)

    def divisor(self, u, eps):
        return u

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p).detach(), u=torch.zeros_like(p).detach())
                state["step"] += 1
                m, u = state["m"], state["u"]
                m.copy_(beta1 * m + (1 - beta1) * p.grad)
                u.copy_(self.norm(u, p.grad, beta2, group["eps"]))
                p.sub_(self.rate(group["lr"], beta1, state["step"]) * m / self.divisor(u, group["eps"]))


class AdamaxWithoutBiasCorrection(HandWrittenAdamax):
    """Claims ``adamax``, breaks SC101: takes the first moment as it is."""

    def rate(self, lr, beta1, t):
        return lr


class AdamaxEpsOutside(HandWrittenAdamax):
    """Claims ``adamax``, breaks SC101 and SC102: adds eps to the divisor, as Keras does."""

    def norm(self, u, g, beta2, eps):
        return torch.maximum(beta2 * u, g.abs())

    def divisor(self, u, eps):
        return u + eps


class AdamaxForgetsAge(HandWrittenAdamax):
    """Claims ``adamax``, breaks SC102: keeps the largest gradient for ever."""

    def norm(self, u, g, beta2, eps):
        return torch.maximum(u, g.abs() + eps)
