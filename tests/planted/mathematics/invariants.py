"""Optimizers that break an invariant of the rule they claim, each by one mistake."""

from _per_parameter import Adam, AdamW, Amsgrad, Momentum, PerParameter, Sgd


class AdamSquaresKeepSign(Adam):
    """Claims ``adam``, breaks SC302: its squares have the sign of the gradient."""

    def square(self, g):
        return g * g.abs()


class AdamClipsGradients(Adam):
    """Claims ``adam``, breaks SC304: clips every gradient to 8 before it uses it."""

    def gradient(self, p, g):
        return g.clamp(-8.0, 8.0)


class AdamClipsByParameter(Adam):
    """Claims ``adam``, breaks SC307: lets no gradient be larger than its parameter."""

    def gradient(self, p, g):
        return g.minimum(p.abs()).maximum(-p.abs())


class AmsgradMaximumFades(Amsgrad):
    """Claims ``amsgrad``, breaks SC301: lets the maximum fade before it takes the next."""

    def largest(self, maximum, v):
        maximum.mul_(0.99)
        return maximum.copy_(maximum.maximum(v))


class AdamWDecaysCautiously(AdamW):
    """Claims ``adamw``, breaks SC308: decays only where the gradient points the same way."""

    def decay(self, p, g, group):
        return group["lr"] * group["weight_decay"] * (p * g > 0).to(p.dtype)


class AdagradForgets(PerParameter):
    """Claims ``adagrad``, breaks SC301, SC303 and SC607: lets its sum of squares fade."""

    states = ("h",)

    def __init__(self, params, lr=1e-2, eps=1e-10):
        super().__init__(params, {"lr": lr, "eps": eps})

    def update(self, p, g, state, group):
        state["h"].mul_(0.5).addcmul_(g, g)
        p.sub_(group["lr"] * g / (state["h"].sqrt() + group["eps"]))


class SgdClippedFromAbove(Sgd):
    """Claims ``sgd``, breaks SC305: clips gradients from above and not from below."""

    def update(self, p, g, state, group):
        p.sub_(group["lr"] * g.clamp(max=0.5))


class MomentumShiftsBuffer(Momentum):
    """Claims ``momentum``, breaks SC306: adds to each element the buffer of its neighbour."""

    def update(self, p, g, state, group):
        buffer = state["momentum_buffer"]
        buffer.copy_(group["momentum"] * buffer.reshape(-1).roll(1).reshape(buffer.shape) + g)
        p.sub_(group["lr"] * buffer)
