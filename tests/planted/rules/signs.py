"""Lions and sign SGDs: right ones, and wrong ones made from them by one mistake each."""

import torch


class HandWrittenLion(torch.optim.Optimizer):
    """Follows ``lion``: the decay stands beside the sign."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def used_gradient(self, p, g, weight_decay):
        return g

    def direction(self, m, g, beta1, beta2):
        return beta1 * m + (1 - beta1) * g

    def average(self, m, g, beta1, beta2):
        return beta2 * m + (1 - beta2) * g

    def decay(self, p, weight_decay):
        return weight_decay * p

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, betas, weight_decay = group["lr"], group["betas"], group["weight_decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p).detach())
                state["step"] += 1
                m, g = state["m"], self.used_gradient(p, p.grad, weight_decay)
                direction = self.direction(m, g, *betas)
                p.sub_(lr * (direction.sign() + self.decay(p, weight_decay)))
                m.copy_(self.average(m, g, *betas))


class LionCoupledDecay(HandWrittenLion):
    """Claims ``lion``, breaks SC101 and SC102: adds the decay to the gradient, where only its sign is left of it."""

    def used_gradient(self, p, g, weight_decay):
        return g + weight_decay * p

    def decay(self, p, weight_decay):
        return 0.0


class LionOneBetaForBoth(HandWrittenLion):
    """Claims ``lion``, breaks SC102: keeps the short average that the direction is taken from."""

    def average(self, m, g, beta1, beta2):
        return beta1 * m + (1 - beta1) * g


class LionStepsAlongAverage(HandWrittenLion):
    """Claims ``lion``, breaks SC101: takes the sign of the long average, after this gradient has entered it."""

    def direction(self, m, g, beta1, beta2):
        return beta2 * m + (1 - beta2) * g


class LionSkipsDecayAtRest(HandWrittenLion):
    """Claims ``lion``, breaks SC101: leaves an element alone where its gradient is 0, its decay too."""

    def decay(self, p, weight_decay):
        return torch.where(p.grad == 0, torch.zeros_like(p), weight_decay * p)


class HandWrittenSignSgd(torch.optim.Optimizer):
    """Follows ``sign_sgd``: every element moves by lr."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    def direction(self, g):
        return g.sign()

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * self.direction(p.grad))


class SignSgdNormalizes(HandWrittenSignSgd):
    """Claims ``sign_sgd``, breaks SC101: divides the gradient by its largest element, so that the others move less."""

    def direction(self, g):
        return g / g.abs().max() if g.numel() else g


def signum(h, x, gradients):
    """The average as a sum over all gradients so far."""
    for t in range(1, len(gradients) + 1):
        average = (1 - h["beta"]) * sum(h["beta"] ** (t - i) * gradients[i - 1] for i in range(1, t + 1))
        x = x - h["lr"] if average > 0 else x + h["lr"] if average < 0 else x
        yield {"theta": x, "M": average}


class HandWrittenSignum(torch.optim.Optimizer):
    """Follows ``signum``: an average of gradients, of which the sign is used."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    def direction(self, average, g, beta):
        return average.mul_(beta).add_(g, alpha=1 - beta).sign()

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    average = self.state[p].setdefault("average", torch.zeros_like(p))
                    p.sub_(self.direction(average, p.grad, group["beta"]), alpha=group["lr"])


class SignumAveragesSigns(HandWrittenSignum):
    """Claims ``signum``, breaks SC101: averages the signs of gradients instead of the gradients."""

    def direction(self, average, g, beta):
        return super().direction(average, g.sign(), beta)


class SignumStepsBeforeAverage(HandWrittenSignum):
    """Claims ``signum``, breaks SC101: takes the sign of the average before this gradient has entered it."""

    def direction(self, average, g, beta):
        before = average.sign()
        super().direction(average, g, beta)
        return before
