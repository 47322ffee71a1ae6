"""Optimizers with a wrong first, steady or longest step, each by one mistake."""

from _moved import Moved, MovedAdam


class AdamCorrectsTwice(MovedAdam):
    """Claims Adam; divides by the first correction twice."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1**t) ** 2, 1 - beta2**t


class AdamCorrectsFirstStepAlone(MovedAdam):
    """Claims Adam; corrects bias in the first step, and has the corrections of a late step afterwards."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1, 1 - beta2) if t == 1 else (1.0, 1.0)


class AdamHalvesEps(MovedAdam):
    """Claims Adam; adds half of eps."""

    def eps(self, group):
        return group["eps"] / 2


class MomentumCountsFirstTwice(Moved):
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
