"""Optimizers that converge elsewhere than their rule does, or more slowly, each by one mistake."""

import torch
from _per_parameter import Adam, Nesterov, Sgd


class SgdFades(Sgd):
    """Claims ``sgd``, breaks SC603: divides the learning rate by the number of the step."""

    def update(self, p, g, state, group):
        p.sub_(group["lr"] / state["step"] * g)


class SgdWarmsUpForEver(Sgd):
    """Claims ``sgd``, breaks SC603: multiplies the learning rate by the number of the step."""

    def update(self, p, g, state, group):
        p.sub_(group["lr"] * state["step"] * g)


class NesterovKeepsMomentum(Nesterov):
    """Claims ``nesterov``, breaks SC604: never looks at a momentum that has changed."""

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, lr, momentum)
        self.first = [group["momentum"] for group in self.param_groups]

    def momentum(self, group):
        return self.first[[one is group for one in self.param_groups].index(True)]


class NesterovLooksBack(Nesterov):
    """Claims ``nesterov``, breaks SC604: looks ahead against the buffer instead of along it."""

    def update(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        buffer.mul_(momentum).add_(g)
        p.sub_(group["lr"] * (g - momentum * buffer))


class AdamKeepsMaximum(Adam):
    """Claims ``adam``, breaks SC605: divides by the largest second moment so far, which is AMSGrad."""

    def divided_by(self, v, correction, state):
        v_hat = v / correction
        state["largest"] = torch.maximum(state.get("largest", v_hat), v_hat)
        return state["largest"]


class AdamRemembersForEver(Adam):
    """Claims ``adam``, breaks SC605: lets its second moment be the mean of all squares so far, whatever beta2 is."""

    def second_moment(self, v, g, beta2, t):
        return super().second_moment(v, g, 1 - 1 / t, t) * (1 - beta2**t)
