"""Wrong Adams: one mistake each in the formula."""

import torch


class _Adam(torch.optim.Optimizer):
    """The loop, the state and the counter, all right; subclasses hold one step's formula."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = torch.zeros_like(p)
                    state["exp_avg_sq"] = torch.zeros_like(p)
                state["step"] += 1
                self.update(p, p.grad, state, group)

    def average(self, g, state, group):
        """Update both moments and return them with their bias corrections."""
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        return m, v, 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]


class AdamEpsHat(_Adam):
    """Claims ``adam``, breaks SC101: adds eps to the uncorrected root, as the end of the paper's section 2 does."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"] * c2**0.5 / c1)


class AdamEpsInsideRoot(_Adam):
    """Claims ``adam``, breaks SC101: adds eps under the root."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2 + group["eps"]).sqrt(), value=-group["lr"])


class AdamWithoutEps(_Adam):
    """Claims ``adam``, breaks SC101: forgets eps and divides zero by zero where no gradient has arrived."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt(), value=-group["lr"])


class AdamWithoutRoot(_Adam):
    """Claims ``adam``, breaks SC101: divides by the second moment itself."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, v / c2 + group["eps"], value=-group["lr"])


class AdamWithoutBiasCorrection(_Adam):
    """Claims ``adam``, breaks SC101: uses both moments as they are."""

    def update(self, p, g, state, group):
        m, v, _, _ = self.average(g, state, group)
        p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"])


class AdamWithoutFirstMomentCorrection(_Adam):
    """Claims ``adam``, breaks SC101: corrects the second moment only."""

    def update(self, p, g, state, group):
        m, v, _, c2 = self.average(g, state, group)
        p.addcdiv_(m, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamWithoutSecondMomentCorrection(_Adam):
    """Claims ``adam``, breaks SC101: corrects the first moment only."""

    def update(self, p, g, state, group):
        m, v, c1, _ = self.average(g, state, group)
        p.addcdiv_(m / c1, v.sqrt() + group["eps"], value=-group["lr"])


class AdamBiasCorrectionOffByOne(_Adam):
    """Claims ``adam``, breaks SC101: corrects the bias of the step after this one."""

    def update(self, p, g, state, group):
        m, v, _, _ = self.average(g, state, group)
        beta1, beta2 = group["betas"]
        c1, c2 = 1 - beta1 ** (state["step"] + 1), 1 - beta2 ** (state["step"] + 1)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamBiasCorrectionOfLastStep(_Adam):
    """Claims ``adam``, breaks SC101: corrects with t - 1, as some notes print it, and divides by zero in the first
    step.
    """

    def update(self, p, g, state, group):
        m, v, _, _ = self.average(g, state, group)
        beta1, beta2 = group["betas"]
        c1, c2 = 1 - beta1 ** (state["step"] - 1), 1 - beta2 ** (state["step"] - 1)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamSwappedBetas(_Adam):
    """Claims ``adam``, breaks SC102: averages gradients with beta2 and their squares with beta1."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, {"betas": tuple(reversed(group["betas"]))})
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamSquaresAfterAveraging(_Adam):
    """Claims ``adam``, breaks SC102: squares the averaged gradient instead of averaging the squares."""

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(m, m, value=1 - beta2)
        c1, c2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamAveragesMagnitudes(_Adam):
    """Claims ``adam``, breaks SC102: forgets to square, so the second moment averages |g|."""

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).add_(g.abs(), alpha=1 - beta2)
        c1, c2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamUsesOldMoments(_Adam):
    """Claims ``adam``, breaks SC101: steps with the moments from before this gradient."""

    def update(self, p, g, state, group):
        m, v = state["exp_avg"].clone(), state["exp_avg_sq"].clone()
        _, _, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamFirstMomentStartsAtGradient(_Adam):
    """Claims ``adam``, breaks SC102: starts the first moment at the first gradient, which its bias correction then
    inflates.
    """

    def update(self, p, g, state, group):
        if state["step"] == 1:
            state["exp_avg"] = g.clone()
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamSecondMomentStartsAtOne(_Adam):
    """Claims ``adam``, breaks SC104: makes its state while it is built and fills the second moment with ones."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr, betas, eps)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.ones_like(p)}

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamCoupledDecayClaimedDecoupled(_Adam):
    """Claims ``adamw``, breaks SC101 and SC102: adds the decay to the gradient."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g + group["weight_decay"] * p, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamDecoupledDecayClaimedCoupled(_Adam):
    """Claims ``adam_l2``, breaks SC101 and SC102: shrinks the parameter instead."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamWDecayWithoutLr(_Adam):
    """Claims ``adamw``, breaks SC101: leaves the learning rate out of the decay."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.mul_(1 - group["weight_decay"])
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamWDecayAfterStep(_Adam):
    """Claims ``adamw``, breaks SC101: shrinks the parameter after the step, so the step shrinks too."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])
        p.mul_(1 - group["lr"] * group["weight_decay"])


class AdamWDecaysMomentToo(_Adam):
    """Claims ``adamw``, breaks SC102: decays the parameter and its gradient both."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g + group["weight_decay"] * p, state, group)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamEpsScaledByCorrection(_Adam):
    """Claims ``adam``, breaks SC101: multiplies eps by the root of the second moment's correction, so that it grows
    with t.
    """

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"] * c2**0.5, value=-group["lr"])


class AdamMinimizesWhereDecayed(_Adam):
    """Claims ``adam_l2+maximize``, breaks SC101, SC102 and SC210: forgets to turn the gradient where there is a decay
    to add to it.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=True):
        super().__init__(params, lr, betas, eps, weight_decay)
        for group in self.param_groups:
            group.setdefault("maximize", maximize)

    def update(self, p, g, state, group):
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        elif group["maximize"]:
            g = -g
        m, v, c1, c2 = self.average(g, state, group)
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


class AdamWLosesSmallDecay(_Adam):
    """Follows ``adamw`` in float64: computes 1 - lr*weight_decay in float32, where a decay below 6e-8 is lost."""

    def update(self, p, g, state, group):
        m, v, c1, c2 = self.average(g, state, group)
        p.mul_(float(torch.tensor(1 - group["lr"] * group["weight_decay"], dtype=torch.float32)))
        p.addcdiv_(m / c1, (v / c2).sqrt() + group["eps"], value=-group["lr"])


def sparse_adam(h, x, gradients):
    """Both moments as sums over the gradients that are not 0."""
    beta1, beta2 = h["beta1"], h["beta2"]
    seen = []
    for t, g in enumerate(gradients, 1):
        seen += [g] if g != 0 else []
        ages = [len(seen) - i for i in range(1, len(seen) + 1)]
        first = (1 - beta1) * sum(beta1**age * one for age, one in zip(ages, seen, strict=True))
        second = (1 - beta2) * sum(beta2**age * one * one for age, one in zip(ages, seen, strict=True))
        if g != 0:
            x = x - h["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t) * first / (second**0.5 + h["eps"])
        yield {"theta": x, "m": first, "v": second}


class HandWrittenSparseAdam(torch.optim.Optimizer):
    """Follows ``sparse_adam``: what is stored of a sparse gradient, and nothing else, moves."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def met(self, g):
        return g != 0

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                state["step"] += 1
                self.move(p, p.grad, state, group)

    def move(self, p, g, state, group):
        (beta1, beta2), t, at = group["betas"], state["step"], self.met(g)
        m, v, g = state["exp_avg"], state["exp_avg_sq"], g[at]
        m[at] = beta1 * m[at] + (1 - beta1) * g
        v[at] = beta2 * v[at] + (1 - beta2) * g * g
        rate = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        p[at] = p[at] - rate * m[at] / (v[at].sqrt() + group["eps"])


class SparseAdamMovesEverything(HandWrittenSparseAdam):
    """Claims ``sparse_adam``, breaks SC101 and SC102: moves an element without a gradient by its old moment."""

    def met(self, g):
        return torch.ones_like(g, dtype=torch.bool)
