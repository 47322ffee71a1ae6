"""Optimizers that break what their rule is in a special case: a first or steady step, a decay of 0, a closed form."""

from _per_parameter import Adam, AdamW, Amsgrad, Momentum, Nesterov


class MomentumCountsFirstTwice(Momentum):
    """Claims ``momentum``, breaks SC309: starts its buffer from the first gradient and then adds that gradient."""

    def update(self, p, g, state, group):
        buffer = state["momentum_buffer"]
        if state["step"] == 1:
            buffer.copy_(g)
        buffer.mul_(group["momentum"]).add_(g)
        p.sub_(group["lr"] * buffer)


class AdamCorrectsTwice(Adam):
    """Claims ``adam``, breaks SC310: divides by the first correction twice."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1**t) ** 2, 1 - beta2**t


class AdamHalvesEps(Adam):
    """Claims ``adam``, breaks SC501: adds half of eps."""

    def eps(self, group):
        return group["eps"] / 2


class AdamCorrectsFirstStepAlone(Adam):
    """Claims ``adam``, breaks SC502: corrects the bias of the first step as it should, and later ones by 1."""

    def corrections(self, beta1, beta2, t):
        return (1 - beta1, 1 - beta2) if t == 1 else (1.0, 1.0)


class AdamWDecaysAtZero(AdamW):
    """Claims ``adamw``, breaks SC401: takes a decay of 0 for one that was not given."""

    def decay(self, p, g, group):
        return group["lr"] * (group["weight_decay"] or 1e-2)


class NesterovWithOldBuffer(Nesterov):
    """Claims ``nesterov``, breaks SC601: looks ahead along the buffer of the step before."""

    def update(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        p.sub_(group["lr"] * (g + momentum * (g if state["step"] == 1 else buffer)))
        buffer.mul_(momentum).add_(g)


class AmsgradDividesByNewest(Amsgrad):
    """Claims ``amsgrad``, breaks SC602 and SC606: keeps the maximum, and divides by the newest second moment."""

    def largest(self, maximum, v):
        maximum.copy_(maximum.maximum(v))
        return v
