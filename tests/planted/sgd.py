"""Wrong SGDs: the buffer, the learning rate or the decay in the wrong place."""

import torch


class _Sgd(torch.optim.Optimizer):
    """The loop, all right; subclasses hold one step's formula."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], group)

    def buffer(self, g, state, group):
        """Return the momentum buffer moved on by ``g``: the first gradient enters whole."""
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = g.clone()
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        return state["momentum_buffer"]


class SgdAscends(_Sgd):
    """Claims SGD; climbs."""

    def update(self, p, g, state, group):
        p.add_(g, alpha=group["lr"])


class SgdDampensFirstGradient(_Sgd):
    """Claims torch's momentum; starts the buffer at zero, so that the first gradient is dampened too."""

    def update(self, p, g, state, group):
        state.setdefault("momentum_buffer", torch.zeros_like(p))
        p.sub_(self.buffer(g, state, group), alpha=group["lr"])


class SgdBufferHoldsLr(_Sgd):
    """Claims torch's momentum; puts the learning rate inside the buffer."""

    def update(self, p, g, state, group):
        p.sub_(self.buffer(group["lr"] * g, state, group))


class SgdAveragesInsteadOfSums(_Sgd):
    """Claims torch's momentum; keeps a moving average."""

    def update(self, p, g, state, group):
        p.sub_(self.buffer(g, state, {**group, "dampening": group["momentum"]}), alpha=group["lr"])


class SgdStepsBeforeBuffer(_Sgd):
    """Claims torch's momentum; steps with the buffer from before this gradient."""

    def update(self, p, g, state, group):
        p.sub_(state.get("momentum_buffer", torch.zeros_like(p)), alpha=group["lr"])
        self.buffer(g, state, group)


class SgdNesterovUsesOldBuffer(_Sgd):
    """Claims Nesterov momentum; looks ahead along the buffer from before this gradient."""

    def update(self, p, g, state, group):
        old = state["momentum_buffer"].clone() if "momentum_buffer" in state else torch.zeros_like(p)
        self.buffer(g, state, group)
        p.sub_(g + group["momentum"] * old, alpha=group["lr"])


class SgdNesterovWithoutGradient(_Sgd):
    """Claims Nesterov momentum; takes the look-ahead and leaves the gradient out."""

    def update(self, p, g, state, group):
        p.sub_(group["momentum"] * self.buffer(g, state, group), alpha=group["lr"])


class SgdDecayAfterMomentum(_Sgd):
    """Claims momentum with coupled decay; decays beside the buffer instead of through it."""

    def update(self, p, g, state, group):
        decay = group["weight_decay"] * p
        p.sub_(self.buffer(g, state, group) + decay, alpha=group["lr"])


class SgdFirstGroupForAll(_Sgd):
    """Claims SGD; reads the first group's learning rate for every group."""

    def update(self, p, g, state, group):
        p.sub_(g, alpha=self.param_groups[0]["lr"])


class SgdwDecaysByGroupNumber(_Sgd):
    """Claims momentum with decoupled decay; multiplies the decay by the group's number, so the first has none."""

    def update(self, p, g, state, group):
        number = [one is group for one in self.param_groups].index(True)
        p.mul_(1 - group["lr"] * group["weight_decay"] * number)
        p.sub_(self.buffer(g, state, group), alpha=group["lr"])
