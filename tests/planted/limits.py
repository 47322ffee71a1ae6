"""Optimizers with a wrong first, steady or longest step, each by one mistake."""

import torch


class _Moved(torch.optim.Optimizer):
    """The loop they share; a class is its states and one ``move``."""

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


class _Adam(_Moved):
    """Adam, all right; subclasses correct otherwise."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def eps(self, group):
        return group["eps"]

    def corrections(self, beta1, beta2, t):
        return 1 - beta1**t, 1 - beta2**t

    def move(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * g * g)
        c1, c2 = self.corrections(beta1, beta2, state["step"])
        p.sub_(group["lr"] * (m / c1) / ((v / c2).sqrt() + self.eps(group)))


class AdamCorrectsTwice(_Adam):
    """Claims Adam; divides by the first correction twice."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1**t) ** 2, 1 - beta2**t


class AdamCorrectsFirstStepAlone(_Adam):
    """Claims Adam; corrects bias in the first step, and has the corrections of a late step afterwards."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1, 1 - beta2) if t == 1 else (1.0, 1.0)


class AdamHalvesEps(_Adam):
    """Claims Adam; adds half of eps."""

    def eps(self, group):
        return group["eps"] / 2


class MomentumCountsFirstTwice(_Moved):
    """Claims momentum; starts its buffer from the first gradient and then adds that gradient."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p, g, state, group):
        buffer = state["momentum_buffer"]
        if state["step"] == 1:
            buffer.copy_(g)
        buffer.mul_(group["momentum"]).add_(g)
        p.sub_(group["lr"] * buffer)
