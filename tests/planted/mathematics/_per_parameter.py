"""The bases of this folder: a loop over parameters and optimizers in it, all correct; subclasses change one part."""

import torch


class PerParameter(torch.optim.Optimizer):
    """The loop, correct; a subclass names its states and updates one parameter."""

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
                self.update(p, p.grad, state, group)


class Sgd(PerParameter):
    """Takes a learning rate alone; a subclass is its formula."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})


class Momentum(PerParameter):
    """Takes a learning rate and a momentum; a subclass is its formula."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})


class Nesterov(Momentum):
    """Nesterov momentum as in torch, correct; a subclass takes another momentum or another step."""

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, lr, momentum)

    def momentum(self, group):
        return group["momentum"]

    def update(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], self.momentum(group)
        buffer.mul_(momentum).add_(g)
        p.sub_(group["lr"] * (g + momentum * buffer))


class Adam(PerParameter):
    """Adam, correct; a subclass does one part of it differently."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **more):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, **more})

    def gradient(self, p, g):
        return g

    def square(self, g):
        return g * g

    def second_moment(self, v, g, beta2, t):
        return v.mul_(beta2).add_((1 - beta2) * self.square(g))

    def corrections(self, beta1, beta2, t):
        return 1 - beta1**t, 1 - beta2**t

    def eps(self, group):
        return group["eps"]

    def divided_by(self, v, correction, state):
        return v / correction

    def update(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        g = self.gradient(p, g)
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = self.second_moment(state["exp_avg_sq"], g, beta2, t)
        c1, c2 = self.corrections(beta1, beta2, t)
        p.sub_(group["lr"] * (m / c1) / (self.divided_by(v, c2, state).sqrt() + self.eps(group)))


class AdamW(Adam):
    """AdamW but for its decay, which a subclass gives."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay)

    def update(self, p, g, state, group):
        p.mul_(1 - self.decay(p, g, group))
        super().update(p, g, state, group)


class Amsgrad(Adam):
    """AMSGrad's states; a subclass keeps the maximum."""

    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def divided_by(self, v, correction, state):
        return self.largest(state["max_exp_avg_sq"], v) / correction
