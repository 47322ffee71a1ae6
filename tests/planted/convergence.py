"""Optimizers that part from where their rule converges to, or from how fast, each by one mistake."""

import torch
from _moved import Moved


class _Rated(Moved):
    """Takes a learning rate alone."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})


class SgdFades(_Rated):
    """Claims SGD; divides the learning rate by the number of the step."""

    def move(self, p, g, state, group):
        p.sub_(group["lr"] / state["step"] * g)


class SgdWarmsUpForEver(_Rated):
    """Claims SGD; multiplies the learning rate by the number of the step."""

    def move(self, p, g, state, group):
        p.sub_(group["lr"] * state["step"] * g)


class _Nesterov(Moved):
    """Nesterov momentum as in torch, all right; subclasses take another momentum."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.first = [group["momentum"] for group in self.param_groups]

    def momentum(self, group):
        return group["momentum"]

    def move(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], self.momentum(group)
        buffer.mul_(momentum).add_(g)
        p.sub_(group["lr"] * (g + momentum * buffer))


class NesterovKeepsMomentum(_Nesterov):
    """Claims Nesterov momentum; never looks at a momentum that has changed."""

    def momentum(self, group):
        return self.first[[one is group for one in self.param_groups].index(True)]


class NesterovLooksBack(_Nesterov):
    """Claims Nesterov momentum; takes the buffer the wrong way."""

    def move(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        buffer.mul_(momentum).add_(g)
        p.sub_(group["lr"] * (g - momentum * buffer))


class _Adam(Moved):
    """Adam, all right; subclasses keep another second moment."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def square(self, v, g, beta2, t):
        return v.mul_(beta2).add_((1 - beta2) * g * g)

    def kept(self, v_hat, state):
        return v_hat

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = self.square(state["exp_avg_sq"], g, beta2, t)
        v_hat = self.kept(v / (1 - beta2**t), state)
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / (v_hat.sqrt() + group["eps"]))


class AdamKeepsMaximum(_Adam):
    """Claims Adam; divides by the largest second moment so far, which is AMSGrad."""

    def kept(self, v_hat, state):
        state["largest"] = torch.maximum(state.get("largest", v_hat), v_hat)
        return state["largest"]


class AdamRemembersForEver(_Adam):
    """Claims Adam; lets its second moment be the mean of all squares so far, whatever beta2 is."""

    def square(self, v, g, beta2, t):
        super().square(v, g, 1 - 1 / t, t)
        return v * (1 - beta2**t)
