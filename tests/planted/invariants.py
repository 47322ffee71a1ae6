"""Optimizers that break an invariant of the rule they claim, each by one mistake."""

import torch


class _Moved(torch.optim.Optimizer):
    """The loop they share; a class is its states and one ``move``."""

    states = ()

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

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
    """Adam, all right; subclasses go wrong in one place."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "betas": betas, "eps": eps})

    def seen(self, p, g):
        return g

    def square(self, g):
        return g * g

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        g = self.seen(p, g)
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * self.square(g))
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + group["eps"]))


class AdamSquaresKeepSign(_Adam):
    """Claims Adam; its squares have the sign of the gradient."""

    def square(self, g):
        return g * g.abs()


class AdamClipsGradients(_Adam):
    """Claims Adam; clips every gradient to 8 before it uses it."""

    def seen(self, p, g):
        return g.clamp(-8.0, 8.0)


class AdamClipsByParameter(_Adam):
    """Claims Adam; lets no gradient be larger than its parameter."""

    def seen(self, p, g):
        return g.minimum(p.abs()).maximum(-p.abs())


class AmsgradMaximumFades(_Adam):
    """Claims AMSGrad; lets the maximum fade before it takes the next."""

    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * g * g)
        largest = state["max_exp_avg_sq"].mul_(0.99)
        largest.copy_(largest.maximum(v))
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / ((largest / (1 - beta2**t)).sqrt() + group["eps"]))


class AdamWDecaysCautiously(_Adam):
    """Claims AdamW; decays only where the gradient points the same way."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        torch.optim.Optimizer.__init__(self, params, defaults)

    def move(self, p, g, state, group):
        decays = (p * g > 0).to(p.dtype)
        p.mul_(1 - group["lr"] * group["weight_decay"] * decays)
        super().move(p, g, state, group)


class AdagradForgets(_Moved):
    """Claims AdaGrad; lets its sum of squares fade."""

    states = ("h",)

    def __init__(self, params, lr=1e-2, eps=1e-10):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "eps": eps})

    def move(self, p, g, state, group):
        state["h"].mul_(0.5).addcmul_(g, g)
        p.sub_(group["lr"] * g / (state["h"].sqrt() + group["eps"]))


class SgdClippedFromAbove(_Moved):
    """Claims SGD; clips gradients from above and not from below."""

    def move(self, p, g, state, group):
        p.sub_(group["lr"] * g.clamp(max=0.5))


class MomentumShiftsBuffer(_Moved):
    """Claims momentum; adds to each element the buffer of its neighbour."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.0):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "momentum": momentum})

    def move(self, p, g, state, group):
        buffer = state["momentum_buffer"]
        buffer.copy_(group["momentum"] * buffer.reshape(-1).roll(1).reshape(buffer.shape) + g)
        p.sub_(group["lr"] * buffer)
