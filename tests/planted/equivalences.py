"""Optimizers that part from what their rule comes to: another rule, a closed form, a side; each by one mistake."""

from _moved import Moved, MovedAdam


class AdamWDecaysAtZero(MovedAdam):
    """Claims AdamW; takes a decay of 0 for one that was not given."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        Moved.__init__(self, params, defaults)

    def move(self, p, g, state, group):
        p.mul_(1 - group["lr"] * (group["weight_decay"] or 1e-2))
        super().move(p, g, state, group)


class NesterovWithOldBuffer(Moved):
    """Claims Nesterov momentum; looks ahead along the buffer of the step before."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        p.sub_(group["lr"] * (g + momentum * (g if state["step"] == 1 else buffer)))
        buffer.mul_(momentum).add_(g)


class AmsgradDividesByNewest(MovedAdam):
    """Claims AMSGrad; keeps the maximum, and divides by the newest second moment."""

    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def divisor(self, v, state):
        state["max_exp_avg_sq"].copy_(state["max_exp_avg_sq"].maximum(v))
        return v
