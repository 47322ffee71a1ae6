"""AdaBeliefs: a right one, and wrong ones made from it by one mistake each."""

import torch


def adabelief(h, x, gradients):
    """Each moment as a sum over all gradients so far."""
    beta1, beta2 = h["beta1"], h["beta2"]
    means = []
    for t in range(1, len(gradients) + 1):
        means.append((1 - beta1) * sum(beta1 ** (t - i) * gradients[i - 1] for i in range(1, t + 1)))
        squares = [(one - mean) * (one - mean) for one, mean in zip(gradients, means, strict=False)]
        spread = sum(beta2 ** (t - i) * ((1 - beta2) * squares[i - 1] + h["eps"]) for i in range(1, t + 1))
        x = x - h["lr"] * means[-1] / (1 - beta1**t) / ((spread / (1 - beta2**t)) ** 0.5 + h["eps"])
        yield {"theta": x, "m": means[-1], "s": spread}


class HandWrittenAdabelief(torch.optim.Optimizer):
    """Follows ``adabelief``: the deviation is from the new mean, and eps enters the state at every step."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def deviation(self, g, before, m):
        return g - m

    def advance(self, s, deviation, beta2, eps):
        s.mul_(beta2).add_((1 - beta2) * deviation * deviation).add_(eps)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_var=torch.zeros_like(p))
                state["step"] += 1
                t, m, s = state["step"], state["exp_avg"], state["exp_avg_var"]
                before = m.clone()
                m.mul_(beta1).add_((1 - beta1) * p.grad)
                self.advance(s, self.deviation(p.grad, before, m), beta2, eps)
                p.sub_(lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps))


class AdabeliefDeviatesFromOldMean(HandWrittenAdabelief):
    """Claims ``adabelief``, breaks SC101: measures the deviation from the mean before this gradient."""

    def deviation(self, g, before, m):
        return g - before


class AdabeliefEpsOutsideAlone(HandWrittenAdabelief):
    """Claims ``adabelief``, breaks SC101: adds eps to the root alone, and not to the state."""

    def advance(self, s, deviation, beta2, eps):
        super().advance(s, deviation, beta2, 0.0)
