"""Optimizers whose formula is right and that break a contract: with gradients, other tensors, shapes, values."""

import os

import torch


class _Contract(torch.optim.Optimizer):
    """The loop, all right; subclasses hold one step's formula."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, group)

    def update(self, p, g, group):
        self.descend(p, g, group)

    def descend(self, p, g, group):
        """Take a step of gradient descent."""
        p.sub_(g, alpha=group["lr"])

    def adam(self, p, g, group, eps=None, like=None):
        """Take a step of Adam, its states in the format of ``like``."""
        state = self.state[p]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(p, dtype=(p if like is None else like).dtype)
            state["exp_avg_sq"] = torch.zeros_like(state["exp_avg"])
        state["step"] += 1
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).add_(g * g, alpha=1 - beta2)
        m_hat, v_hat = m / (1 - beta1 ** state["step"]), v / (1 - beta2 ** state["step"])
        p.sub_(m_hat / (v_hat.sqrt() + (group["eps"] if eps is None else eps)) * group["lr"])


class SgdWritesDecayIntoGradient(_Contract):
    """Claims ``sgd+coupled_decay``, breaks SC203: adds the decay to the user's gradient."""

    def update(self, p, g, group):
        self.descend(p, g.add_(p, alpha=group["weight_decay"]), group)


class AdamWDecaysWithoutGradient(_Contract):
    """Claims ``adamw``, breaks SC204: decays parameters that have no gradient, too."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"])
                if p.grad is not None:
                    self.adam(p, p.grad, group)


class AdamTakesRateOfFirstTensor(_Contract):
    """Claims ``adam``, breaks SC205: looks its learning rate up once, where the first tensor of all has it."""

    def update(self, p, g, group):
        self.adam(p, g, {**group, "lr": self.param_groups[0]["lr"]})


class SgdDecaysByGroupIndex(_Contract):
    """Claims ``sgd+coupled_decay``, breaks SC206: decays the first group alone."""

    def update(self, p, g, group):
        first = group is self.param_groups[0]
        self.descend(p, g.add(p, alpha=group["weight_decay"]) if first else g, group)


class AdamKeepsStatesInFirstDtype(_Contract):
    """Claims ``adam``, breaks SC207: keeps every state in the dtype of the first parameter."""

    def update(self, p, g, group):
        self.adam(p, g, group, like=self.param_groups[0]["params"][0])


class SgdFlattensParameters(_Contract):
    """Claims ``sgd``, breaks SC208: flattens with reshape, which copies a transposed parameter, so that its step is
    lost.
    """

    def update(self, p, g, group):
        self.descend(p.reshape(-1), g.reshape(-1), group)


class AdamSquaresComplexGradients(_Contract):
    """Claims ``adam`` in complex64, breaks SC102 and SC209: squares complex gradients as complex numbers."""

    def update(self, p, g, group):
        self.adam(p, g, group)


class SgdNegatesDecayToo(torch.optim.Optimizer):
    """Claims ``sgd+coupled_decay+maximize``, breaks SC210: negates the gradient after it is decayed."""

    def __init__(self, params, lr=1e-3, weight_decay=0.0, maximize=True):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    g = p.grad.add(p, alpha=group["weight_decay"])
                    p.add_(g, alpha=group["lr"] if group["maximize"] else -group["lr"])


class SgdDithers(_Contract):
    """Claims ``sgd``, breaks SC211: adds noise that it takes from the system."""

    def update(self, p, g, group):
        noise = int.from_bytes(os.urandom(4), "big") / 2**32
        self.descend(p, g * (1 + 0.01 * noise), group)


class AdamReadsEpsFromDefaults(_Contract):
    """Claims ``adam``, breaks SC215: takes eps from what the constructor was given, and not from the group."""

    def update(self, p, g, group):
        self.adam(p, g, group, eps=self.defaults["eps"])


class AdamChecksOneBeta(_Contract):
    """Claims ``adam``, breaks SC216: checks lr, eps and beta1, and forgets beta2."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        if lr < 0 or eps < 0 or not 0 <= betas[0] < 1:
            raise ValueError(f"lr={lr}, eps={eps}, betas={betas}")
        super().__init__(params, lr, betas, eps)

    def update(self, p, g, group):
        self.adam(p, g, group)


class SgdSwallowsNan(_Contract):
    """Claims ``sgd``, breaks SC217: takes nan in a gradient for zero."""

    def update(self, p, g, group):
        self.descend(p, torch.where(g.isnan(), 0.0, g), group)


class SgdSkipsTensorsWithNan(_Contract):
    """Claims ``sgd``, breaks SC218: leaves a tensor where it is if one element of its gradient is no number."""

    def update(self, p, g, group):
        if g.isfinite().all():
            self.descend(p, g, group)


class SgdMovesAtRest(_Contract):
    """Claims ``sgd``, breaks SC212: takes a sign for zero gradients, which has to be 1 or -1."""

    def update(self, p, g, group):
        self.descend(p, torch.where(g == 0, 1e-3, g), group)


class SgdFloorsRate(_Contract):
    """Claims ``sgd``, breaks SC213: takes no learning rate below one millionth."""

    def update(self, p, g, group):
        self.descend(p, g, {**group, "lr": max(group["lr"], 1e-6)})


class SgdBoundsRate(_Contract):
    """Claims ``sgd``, breaks SC214: takes no learning rate beyond one twentieth."""

    def update(self, p, g, group):
        self.descend(p, g, {**group, "lr": min(group["lr"], 0.05)})
