"""NAdams: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenNadam(torch.optim.Optimizer):
    """Follows ``nadam``: the product of its momentum schedule is a Python float."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "momentum_decay": momentum_decay})

    def momentum(self, t, beta1, momentum_decay):
        return beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    def ahead(self, t, beta1, momentum_decay):
        return self.momentum(t + 1, beta1, momentum_decay)

    def product(self, before, mu, t):
        return before * mu

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), decay = group["betas"], group["momentum_decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, mu_product=1.0, m=torch.zeros_like(p).detach(), v=torch.zeros_like(p).detach())
                state["step"] += 1
                t, m, v = state["step"], state["m"], state["v"]
                now, ahead = self.momentum(t, beta1, decay), self.ahead(t, beta1, decay)
                product = state["mu_product"] = self.product(state["mu_product"], now, t)
                m.copy_(beta1 * m + (1 - beta1) * p.grad)
                v.copy_(beta2 * v + (1 - beta2) * p.grad * p.grad)
                divisor = (v / (1 - beta2**t)).sqrt() + group["eps"]
                lr = group["lr"]
                step = lr * (1 - now) / (1 - product) * p.grad / divisor
                p.copy_(p - step - lr * ahead / (1 - product * ahead) * m / divisor)


class NadamUsesThisMomentumAhead(HandWrittenNadam):
    """Claims ``nadam``, breaks SC101: looks ahead with this step's momentum instead of the next one's."""

    def ahead(self, t, beta1, momentum_decay):
        return self.momentum(t, beta1, momentum_decay)


class NadamForgetsProduct(HandWrittenNadam):
    """Claims ``nadam``, breaks SC102: takes this step's momentum to the power t for the product of all of them."""

    def product(self, before, mu, t):
        return mu**t


class NadamHasNoSchedule(HandWrittenNadam):
    """Claims ``nadam``, breaks SC101 and SC102: keeps the momentum at beta1, whatever momentum_decay says."""

    def momentum(self, t, beta1, momentum_decay):
        return beta1


class NadamMultipliesMomentumTwice(HandWrittenNadam):
    """Claims ``nadam``, breaks SC102: multiplies this step's momentum into the product twice."""

    def product(self, before, mu, t):
        return before * mu * mu
