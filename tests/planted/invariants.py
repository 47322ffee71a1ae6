"""Optimizers that break an invariant of the rule they claim, each by one mistake."""

from _moved import Moved, MovedAdam


class AdamSquaresKeepSign(MovedAdam):
    """Claims Adam; its squares have the sign of the gradient."""

    def square(self, g):
        return g * g.abs()


class AdamClipsGradients(MovedAdam):
    """Claims Adam; clips every gradient to 8 before it uses it."""

    def seen(self, p, g):
        return g.clamp(-8.0, 8.0)


class AdamClipsByParameter(MovedAdam):
    """Claims Adam; lets no gradient be larger than its parameter."""

    def seen(self, p, g):
        return g.minimum(p.abs()).maximum(-p.abs())


class AmsgradMaximumFades(MovedAdam):
    """Claims AMSGrad; lets the maximum fade before it takes the next."""

    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def divisor(self, v, state):
        largest = state["max_exp_avg_sq"].mul_(0.99)
        return largest.copy_(largest.maximum(v))


class AdamWDecaysCautiously(MovedAdam):
    """Claims AdamW; decays only where the gradient points the same way."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        Moved.__init__(self, params, defaults)

    def move(self, p, g, state, group):
        decays = (p * g > 0).to(p.dtype)
        p.mul_(1 - group["lr"] * group["weight_decay"] * decays)
        super().move(p, g, state, group)


class AdagradForgets(Moved):
    """Claims AdaGrad; lets its sum of squares fade."""

    states = ("h",)

    def __init__(self, params, lr=1e-2, eps=1e-10):
        super().__init__(params, {"lr": lr, "eps": eps})

    def move(self, p, g, state, group):
        state["h"].mul_(0.5).addcmul_(g, g)
        p.sub_(group["lr"] * g / (state["h"].sqrt() + group["eps"]))


class SgdClippedFromAbove(Moved):
    """Claims SGD; clips gradients from above and not from below."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    def move(self, p, g, state, group):
        p.sub_(group["lr"] * g.clamp(max=0.5))


class MomentumShiftsBuffer(Moved):
    """Claims momentum; adds to each element the buffer of its neighbour."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p, g, state, group):
        buffer = state["momentum_buffer"]
        buffer.copy_(group["momentum"] * buffer.reshape(-1).roll(1).reshape(buffer.shape) + g)
        p.sub_(group["lr"] * buffer)
