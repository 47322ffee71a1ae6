"""RAdams: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenRadam(torch.optim.Optimizer):
    """Follows ``radam``: rectifies from rho above 5."""

    THRESHOLD = 5.0

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def rectification(self, rho, last):
        return ((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho)) ** 0.5

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            last = 2 / (1 - beta2) - 1
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p).detach(), v=torch.zeros_like(p).detach())
                state["step"] += 1
                t, m, v = state["step"], state["m"], state["v"]
                m.copy_(beta1 * m + (1 - beta1) * p.grad)
                v.copy_(beta2 * v + (1 - beta2) * p.grad * p.grad)
                m_hat = m / (1 - beta1**t)
                rho = last - 2 * t * beta2**t / (1 - beta2**t)
                if rho > self.THRESHOLD:
                    adaptive = (1 - beta2**t) ** 0.5 / (v.sqrt() + group["eps"])
                    p.sub_(group["lr"] * m_hat * self.rectification(rho, last) * adaptive)
                else:
                    p.sub_(group["lr"] * m_hat)


class HandWrittenRadamPaper(HandWrittenRadam):
    """Follows ``radam_paper``: rectifies from rho above 4."""

    THRESHOLD = 4.0


class RadamRectifiesFromFour(HandWrittenRadamPaper):
    """Claims ``radam``, breaks SC101: rectifies from rho above 4, as the paper does."""


class RadamWithoutRectification(HandWrittenRadam):
    """Claims ``radam``, breaks SC101: waits for rho and then steps as Adam does."""

    def rectification(self, rho, last):
        return 1.0
