"""Options that select another rule: right at their default, and wrong where they are switched."""

import torch


class _Options(torch.optim.Optimizer):
    """The loop that all of these share; a subclass has ``move``."""

    def __init__(self, params, **defaults):
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, p.grad, self.state[p], group)
        return loss


class _Adam(_Options):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **options):
        super().__init__(params, lr=lr, betas=betas, eps=eps, **options)

    def averages(self, p, g, state, group):
        """Return both averages after this step, and the two corrections."""
        if not state:
            state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["step"] += 1
        beta1, beta2 = group["betas"]
        state["m"].mul_(beta1).add_(g, alpha=1 - beta1)
        state["v"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        return state["m"], state["v"], 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]

    def descend(self, p, m, v, corrections, group, sign=1.0):
        first, second = corrections
        p.sub_(sign * group["lr"] * (m / first) / ((v / second).sqrt() + group["eps"]))


class AdamAscendsByDescentMoments(_Adam):
    """Claims ``adam``, breaks SC102: maximize=True turns the step around, and not the gradient that is averaged."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        super().__init__(params, lr, betas, eps, maximize=maximize)

    def move(self, p, g, state, group):
        m, v, *corrections = self.averages(p, g, state, group)
        self.descend(p, m, v, corrections, group, sign=-1.0 if group["maximize"] else 1.0)


class AdamMaximumOfLastTwo(_Adam):
    """Claims ``adam``, breaks SC101: amsgrad=True takes the larger of the last two second moments, not of all."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
        super().__init__(params, lr, betas, eps, amsgrad=amsgrad)

    def move(self, p, g, state, group):
        before = state["v"].clone() if state else torch.zeros_like(p)
        m, v, *corrections = self.averages(p, g, state, group)
        self.descend(p, m, torch.maximum(before, v) if group["amsgrad"] else v, corrections, group)


class AdamTurnsDecayAround(_Adam):
    """Claims ``adam``, breaks SC101: with maximize=True it negates the gradient after it has added the decay."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay, maximize=maximize)

    def move(self, p, g, state, group):
        g = g + group["weight_decay"] * p
        m, v, *corrections = self.averages(p, -g if group["maximize"] else g, state, group)
        self.descend(p, m, v, corrections, group)


class AdamCouplesInAnyCase(_Adam):
    """Claims ``adam+coupled_decay``, breaks SC101: decoupled_weight_decay=True changes nothing."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False):
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay)

    def move(self, p, g, state, group):
        m, v, *corrections = self.averages(p, g + group["weight_decay"] * p, state, group)
        self.descend(p, m, v, corrections, group)


class MomentumLooksAheadTwice(_Options):
    """Claims ``momentum``, breaks SC101: nesterov=True adds the buffer with twice its weight."""

    def __init__(self, params, lr=1e-3, momentum=0.9, nesterov=False):
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov)

    def move(self, p, g, state, group):
        if "buf" in state:
            state["buf"].mul_(group["momentum"]).add_(g)
        else:
            state["buf"] = g.clone()
        ahead = g + 2 * group["momentum"] * state["buf"]
        p.sub_(ahead if group["nesterov"] else state["buf"], alpha=group["lr"])


class RmspropCentersByAddition(_Options):
    """Claims ``rmsprop``, breaks SC101: centered=True adds the squared mean, which it should subtract."""

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, centered=False):
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, centered=centered)

    def move(self, p, g, state, group):
        if not state:
            state.update(square_avg=torch.zeros_like(p), grad_avg=torch.zeros_like(p))
        alpha = group["alpha"]
        v = state["square_avg"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if group["centered"]:
            a = state["grad_avg"].mul_(alpha).add_(g, alpha=1 - alpha)
            v = v + a * a
        p.sub_(group["lr"] * g / (v.sqrt() + group["eps"]))


class AdamWithEveryOption(_Adam):
    """Follows ``adam``: the maximum, ascent and a decoupled decay are options of it, and right."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False):
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize)

    def move(self, p, g, state, group):
        p.mul_(1 - group["lr"] * group["weight_decay"])
        m, v, *corrections = self.averages(p, -g if group["maximize"] else g, state, group)
        if group["amsgrad"]:
            state["most"] = v = torch.maximum(state["most"], v) if "most" in state else v.clone()
        self.descend(p, m, v, corrections, group)


class MaximumKeptOnRequest(AdamWithEveryOption):
    """Follows ``amsgrad``: which is what amsgrad=True makes of it, and not its default."""


class AdamScalesItsDecay(_Adam):
    """Follows ``adam``: its weight decay, held at 0, is of a kind that no rule has."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay)

    def move(self, p, g, state, group):
        p.mul_(1 - group["weight_decay"] * group["lr"] ** 2)
        m, v, *corrections = self.averages(p, g, state, group)
        self.descend(p, m, v, corrections, group)
