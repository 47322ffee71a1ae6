"""SGDs, with momentum, averaged and looking ahead: right ones, and wrong ones made by one mistake each."""

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
    """Claims ``sgd``, breaks SC101: climbs."""

    def update(self, p, g, state, group):
        p.add_(g, alpha=group["lr"])


class SgdDampensFirstGradient(_Sgd):
    """Claims ``momentum``, breaks SC102: starts the buffer at zero, so that the first gradient is dampened too."""

    def update(self, p, g, state, group):
        state.setdefault("momentum_buffer", torch.zeros_like(p))
        p.sub_(self.buffer(g, state, group), alpha=group["lr"])


class SgdBufferHoldsLr(_Sgd):
    """Claims ``momentum``, breaks SC102: puts the learning rate inside the buffer."""

    def update(self, p, g, state, group):
        p.sub_(self.buffer(group["lr"] * g, state, group))


class SgdAveragesInsteadOfSums(_Sgd):
    """Claims ``momentum``, breaks SC102: keeps a moving average."""

    def update(self, p, g, state, group):
        p.sub_(self.buffer(g, state, {**group, "dampening": group["momentum"]}), alpha=group["lr"])


class SgdStepsBeforeBuffer(_Sgd):
    """Claims ``momentum``, breaks SC101: steps with the buffer from before this gradient."""

    def update(self, p, g, state, group):
        p.sub_(state.get("momentum_buffer", torch.zeros_like(p)), alpha=group["lr"])
        self.buffer(g, state, group)


class SgdNesterovUsesOldBuffer(_Sgd):
    """Claims ``nesterov``, breaks SC101: looks ahead along the buffer from before this gradient."""

    def update(self, p, g, state, group):
        old = state["momentum_buffer"].clone() if "momentum_buffer" in state else torch.zeros_like(p)
        self.buffer(g, state, group)
        p.sub_(g + group["momentum"] * old, alpha=group["lr"])


class SgdNesterovWithoutGradient(_Sgd):
    """Claims ``nesterov``, breaks SC101: takes the look-ahead and leaves the gradient out."""

    def update(self, p, g, state, group):
        p.sub_(group["momentum"] * self.buffer(g, state, group), alpha=group["lr"])


class SgdDecayAfterMomentum(_Sgd):
    """Claims ``momentum+coupled_decay``, breaks SC101 and SC102: decays beside the buffer instead of through it."""

    def update(self, p, g, state, group):
        decay = group["weight_decay"] * p
        p.sub_(self.buffer(g, state, group) + decay, alpha=group["lr"])


class SgdFirstGroupForAll(_Sgd):
    """Claims ``sgd``, breaks SC101: reads the first group's learning rate for every group."""

    def update(self, p, g, state, group):
        p.sub_(g, alpha=self.param_groups[0]["lr"])


class SgdwDecaysByGroupNumber(_Sgd):
    """Claims ``momentum+decoupled_decay``, breaks SC101: multiplies the decay by the group's number, so the first has
    none.
    """

    def update(self, p, g, state, group):
        number = [one is group for one in self.param_groups].index(True)
        p.mul_(1 - group["lr"] * group["weight_decay"] * number)
        p.sub_(self.buffer(g, state, group), alpha=group["lr"])


class HandWrittenNesterovEma(_Sgd):
    """Follows ``nesterov_ema``: looks ahead along an average of gradients."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super(_Sgd, self).__init__(params, {"lr": lr, "beta": beta})

    def update(self, p, g, state, group):
        beta = group["beta"]
        average = state.setdefault("average", torch.zeros_like(p)).mul_(beta).add_(g, alpha=1 - beta)
        p.sub_(beta * average + (1 - beta) * g, alpha=group["lr"])


class HandWrittenNesterovGradientDifference(_Sgd):
    """Follows ``nesterov_gradient_difference``: adds to the gradient what it gains on the last one."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super(_Sgd, self).__init__(params, {"lr": lr, "beta": beta})

    def update(self, p, g, state, group):
        beta, before = group["beta"], state.get("g_prev", torch.zeros_like(p))
        buffer = state.setdefault("buffer", torch.zeros_like(p))
        buffer.mul_(beta).add_(g + beta * (g - before))
        state["g_prev"] = g.clone()
        p.sub_(buffer, alpha=group["lr"])


class HandWrittenAsgd(torch.optim.Optimizer):
    """Follows ``asgd``: rate and weight are Python floats."""

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6):
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0})

    def rate(self, t, group):
        return group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]

    def weight(self, t, t0):
        return 1 / max(1, t - t0)

    def step_rate(self, state, group):
        return state["eta"]

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, ax=torch.zeros_like(p).detach(), eta=group["lr"], mu=1.0)
                state["step"] += 1
                eta, ax = self.step_rate(state, group), state["ax"]
                p.copy_((1 - group["lambd"] * eta) * p - eta * p.grad)
                ax.copy_(p if state["mu"] == 1 else ax + state["mu"] * (p - ax))
                state["eta"], state["mu"] = self.rate(state["step"], group), self.weight(state["step"], group["t0"])


class AsgdStepsWithNewRate(HandWrittenAsgd):
    """Claims ``asgd``, breaks SC101: steps with the rate that is meant for the next step."""

    def step_rate(self, state, group):
        return self.rate(state["step"], group)


class AsgdAveragesOneStepEarly(HandWrittenAsgd):
    """Claims ``asgd``, breaks SC102: begins to average one step before t0 has passed."""

    def weight(self, t, t0):
        return 1 / max(1, t - (t0 - 1))


class AsgdAveragesEverything(HandWrittenAsgd):
    """Claims ``asgd``, breaks SC102: averages from the first step on, whatever t0 says."""

    def weight(self, t, t0):
        return 1 / (t + 1)


class LookaheadNesterov(torch.optim.Optimizer):
    """Follows ``nesterov_lookahead``: evaluates the gradient ahead along the buffer, and steps from where it was."""

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def lookahead(self, group):
        """Return the multiple of the buffer at which the gradient is evaluated."""
        return group["lr"] * group["momentum"]

    def accumulate(self, b, g, group):
        """Add a gradient to the buffer."""
        b.mul_(group["momentum"]).add_(g)

    def step(self, closure):
        start = {}
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state.setdefault("momentum_buffer", torch.zeros_like(p))
                    start[p] = p.clone()
                    p.sub_(state["momentum_buffer"], alpha=self.lookahead(group))
        with torch.enable_grad():
            loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.copy_(start[p])
                    if p.grad is not None:
                        b = self.state[p]["momentum_buffer"]
                        self.accumulate(b, p.grad, group)
                        p.sub_(b, alpha=group["lr"])
        return loss


class LookaheadLeftOut(LookaheadNesterov):
    """Claims ``nesterov_lookahead``, breaks SC102: takes the gradient at the parameters, which is plain momentum."""

    def lookahead(self, group):
        return 0.0


class LookaheadTooFar(LookaheadNesterov):
    """Claims ``nesterov_lookahead``, breaks SC102: looks ahead by the whole buffer instead of momentum times it."""

    def lookahead(self, group):
        return group["lr"]


class LookaheadAverages(LookaheadNesterov):
    """Claims ``nesterov_lookahead``, breaks SC102: keeps an average of gradients, not their sum."""

    def accumulate(self, b, g, group):
        b.mul_(group["momentum"]).add_(g, alpha=1 - group["momentum"])


def qhm(h, x, gradients):
    """The average as a sum over all gradients so far, and the step as the gradient and what the average is off it."""
    for t, g in enumerate(gradients, 1):
        average = (1 - h["beta"]) * sum(h["beta"] ** (t - i) * one for i, one in enumerate(gradients[:t], 1))
        x = x - h["lr"] * (g + h["nu"] * (average - g))
        yield {"theta": x, "M": average}


class HandWrittenQhm(torch.optim.Optimizer):
    """Follows ``qhm``: a step of the average, and one of the gradient."""

    def __init__(self, params, lr=1e-3, momentum=0.999, nu=0.7):
        super().__init__(params, {"lr": lr, "momentum": momentum, "nu": nu})

    def fresh(self, momentum):
        return 1 - momentum

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, momentum, nu = group["lr"], group["momentum"], group["nu"]
            for p in group["params"]:
                if p.grad is not None:
                    average = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                    average.mul_(momentum).add_(p.grad, alpha=self.fresh(momentum))
                    p.sub_(lr * ((1 - nu) * p.grad + nu * average))


class QhmSumsGradients(HandWrittenQhm):
    """Claims ``qhm``, breaks SC102: keeps a sum of gradients, as momentum does."""

    def fresh(self, momentum):
        return 1.0


def _schedule_free(lr, beta, weight_decay, x, gradients, divisor):
    """Yield the point between z and the mean of every z, and z; the mean is a sum over all of them."""
    z, points = x, []
    for t, g in enumerate(gradients, 1):
        z = z - lr * (g / divisor(t) + weight_decay * x)
        points.append(z)
        x = (1 - beta) * z + beta * sum(points) / len(points)
        yield {"theta": x, "z": z, "lr_max": lr, "weight_sum": t * lr * lr}


def schedulefree_sgd(h, x, gradients):
    """The average of the points as a sum over all of them."""
    return _schedule_free(h["lr"], h["beta"], h["weight_decay"], x, gradients, lambda t: 1)


def schedulefree_adamw(h, x, gradients):
    """The average of the points, and the second moment, as sums."""
    beta2 = h["beta2"]
    seconds = [
        (1 - beta2) * sum(beta2 ** (t - i) * one * one for i, one in enumerate(gradients[:t], 1))
        for t in range(1, len(gradients) + 1)
    ]
    roots = [(second / (1 - beta2**t)) ** 0.5 + h["eps"] for t, second in enumerate(seconds, 1)]
    walk = _schedule_free(h["lr"], h["beta1"], h["weight_decay"], x, gradients, lambda t: roots[t - 1])
    for values, second in zip(walk, seconds, strict=True):
        yield {**values, "v": second}


class HandWrittenScheduleFreeSgd(torch.optim.Optimizer):
    """Follows ``schedulefree_sgd``: steps of z, and theta between it and the mean of every z."""

    def __init__(self, params, lr=1.0, momentum=0.9, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def direction(self, g, state, group):
        return g

    def share(self, weight, total):
        return weight / total if total else 0.0

    def ahead(self, beta, share):
        return 1 - beta * (1 - share)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr = float(group["lr"])  # the largest one is kept, and a tensor may change
            beta = group["momentum"] if "momentum" in group else group["betas"][0]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, z=p.clone(), lr_max=0.0, weight_sum=0.0)
                state["step"] += 1
                state["lr_max"] = max(state["lr_max"], lr)
                state["weight_sum"] += state["lr_max"] ** 2
                share = self.share(state["lr_max"] ** 2, state["weight_sum"])
                g = p.grad.to_dense() if p.grad.is_sparse else p.grad
                d = self.direction(g, state, group) + group["weight_decay"] * p
                p.copy_((1 - share) * p + share * state["z"] - lr * self.ahead(beta, share) * d)
                state["z"].sub_(lr * d)


class ScheduleFreeStepsWhole(HandWrittenScheduleFreeSgd):
    """Claims ``schedulefree_sgd``, breaks SC101: moves theta by all of a step, and not by its share of the average."""

    def ahead(self, beta, share):
        return 1.0


class HandWrittenScheduleFreeAdamw(HandWrittenScheduleFreeSgd):
    """Follows ``schedulefree_adamw``: gradients over the corrected root of their squares' average."""

    def __init__(self, params, lr=0.0025, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        torch.optim.Optimizer.__init__(self, params, defaults)

    def corrected(self, v, beta2, t):
        return v / (1 - beta2**t)

    def direction(self, g, state, group):
        beta2 = group["betas"][1]
        v = state.setdefault("exp_avg_sq", torch.zeros_like(g))
        v.mul_(beta2).add_((1 - beta2) * g * g)
        return g / (self.corrected(v, beta2, state["step"]).sqrt() + group["eps"])


class ScheduleFreeAdamwUncorrected(HandWrittenScheduleFreeAdamw):
    """Claims ``schedulefree_adamw``, breaks SC101: takes the root of the raw average of squares."""

    def corrected(self, v, beta2, t):
        return v
