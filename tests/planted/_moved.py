"""What files of this folder share: a loop whose subclasses are their states and one ``move``, and an Adam in it."""

import torch


class Moved(torch.optim.Optimizer):
    """The loop, all right; a subclass names its states and moves a parameter."""

    states = ()

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, **{name: torch.zeros_like(p) for name in self.states})
                state["step"] += 1
                self.move(p, p.grad, state, group)


class MovedAdam(Moved):
    """Adam, all right; a subclass does one part of it otherwise."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def seen(self, p, g):
        return g

    def square(self, g):
        return g * g

    def corrections(self, beta1, beta2, t):
        return 1 - beta1**t, 1 - beta2**t

    def eps(self, group):
        return group["eps"]

    def divisor(self, v, state):
        return v

    def move(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        g = self.seen(p, g)
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * self.square(g))
        c1, c2 = self.corrections(beta1, beta2, state["step"])
        p.sub_(group["lr"] * (m / c1) / ((self.divisor(v, state) / c2).sqrt() + self.eps(group)))
