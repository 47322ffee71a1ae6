"""Yogis: a right one, and wrong ones made from it by one mistake each."""

import torch


def yogi(h, x, gradients):
    """The first moment as a sum over all gradients so far; the second moves up, down or not at all."""
    second = 0
    for t in range(1, len(gradients) + 1):
        first = (1 - h["beta1"]) * sum(h["beta1"] ** (t - i) * gradients[i - 1] for i in range(1, t + 1))
        square = gradients[t - 1] * gradients[t - 1]
        moved = (1 - h["beta2"]) * square
        second = second - moved if second > square else second + moved if second < square else second
        x = x - h["lr"] * first / (second**0.5 + h["eps"])
        yield {"theta": x, "m": first, "v": second}


class HandWrittenYogi(torch.optim.Optimizer):
    """Follows ``yogi``: no bias correction, and moments that start at 0."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.999), eps=1e-3):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def direction(self, v, square):
        return (v - square).sign()

    def first(self, m, beta1, t):
        return m

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                state["step"] += 1
                m, v, square = state["exp_avg"], state["exp_avg_sq"], p.grad * p.grad
                m.mul_(beta1).add_((1 - beta1) * p.grad)
                v.sub_((1 - beta2) * self.direction(v, square) * square)
                p.sub_(lr * self.first(m, beta1, state["step"]) / (v.sqrt() + eps))


class YogiOnlyGrows(HandWrittenYogi):
    """Claims ``yogi``, breaks SC102: adds to the second moment also where it is larger than the square."""

    def direction(self, v, square):
        return -torch.ones_like(v)


class YogiCorrectsBias(HandWrittenYogi):
    """Claims ``yogi``, breaks SC101: corrects the bias of the first moment, as optax does."""

    def first(self, m, beta1, t):
        return m / (1 - beta1**t)
