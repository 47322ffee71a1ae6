"""Optimizers that are wrong for values at an edge: a hyper-parameter of 0, a decay beyond 1, an infinite gradient."""

import torch


class _AdamW(torch.optim.Optimizer):
    """AdamW, all of it right; a part is wrong in each subclass."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.gradient(p.grad), self.state[p], group)

    def gradient(self, g):
        return g

    def eps(self, group):
        return group["eps"]

    def decay(self, group):
        return 1 - group["lr"] * group["weight_decay"]

    def update(self, p, g, state, group):
        if not state:
            state["step"], state["exp_avg"], state["exp_avg_sq"] = 0, torch.zeros_like(p), torch.zeros_like(p)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        p.mul_(self.decay(group))
        denominator = (v / (1 - beta2 ** state["step"])).sqrt() + self.eps(group)
        p.addcdiv_(m / (1 - beta1 ** state["step"]), denominator, value=-group["lr"])


class AdamWReplacesZeroEps(_AdamW):
    """Claims ``adamw``, breaks SC101: takes an eps of 0 for one that is not given."""

    def eps(self, group):
        return group["eps"] or 1e-6


class AdamWStopsDecayAtZero(_AdamW):
    """Claims ``adamw``, breaks SC101: bounds the factor of the decay by 0, where lr*weight_decay is beyond 1."""

    def decay(self, group):
        return max(0.0, super().decay(group))


class AdamWTakesInfinityForLargest(_AdamW):
    """Claims ``adamw``, breaks SC261: replaces inf in a gradient by the largest number, and lets nan be."""

    def gradient(self, g):
        return torch.nan_to_num(g, nan=float("nan"))


class AdamWClampsGradient(_AdamW):
    """Claims ``adamw``, breaks SC261: limits gradients to a size that no ordinary one has."""

    def gradient(self, g):
        return g.clamp(-1e18, 1e18)


class LionLimitsInfinity(torch.optim.Optimizer):
    """Claims ``lion``, breaks SC261: the sign of an infinite gradient is 1, and its average is kept finite."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                update = (m * beta1 + p.grad * (1 - beta1)).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
                m.mul_(beta2).add_(torch.nan_to_num(p.grad, nan=float("nan")), alpha=1 - beta2)


class _Momentum(torch.optim.Optimizer):
    """Torch's momentum, its coefficient apart."""

    def __init__(self, params, lr=1e-3, momentum=0.9, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    def coefficient(self, group):
        return group["momentum"]

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum_buffer" in state:
                    buffer = state["momentum_buffer"].mul_(self.coefficient(group))
                    buffer.add_(p.grad, alpha=1 - group["dampening"])
                else:
                    state["momentum_buffer"] = p.grad.clone()
                p.sub_(state["momentum_buffer"] * group["lr"])


class MomentumReplacesZero(_Momentum):
    """Claims ``momentum``, breaks SC262: takes a momentum of 0 for one that is not given."""

    def coefficient(self, group):
        return group["momentum"] or 0.9


class MomentumRefusesZero(_Momentum):
    """Follows ``momentum``: refuses a momentum of 0, at which it would be gradient descent."""

    def __init__(self, params, lr=1e-3, momentum=0.9, dampening=0.0):
        super().__init__(params, lr, momentum, dampening)
        if any(group["momentum"] == 0 for group in self.param_groups):
            raise ValueError("momentum=0: use torch.optim.SGD without momentum")


class MomentumWithoutBufferAtZero(_Momentum):
    """Follows ``momentum``: takes a plain step where momentum is 0, and makes no buffer there."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            if group["momentum"] == 0:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(p.grad * group["lr"])
        groups, self.param_groups = self.param_groups, [group for group in self.param_groups if group["momentum"]]
        super().step()
        self.param_groups = groups


class RmspropTakesRootOfVariance(torch.optim.Optimizer):
    """Follows ``rmsprop_centered``: is nan where rounding makes the variance negative, as torch's own is."""

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps})

    def variance(self, v, a):
        return v - a * a

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["square_avg"], state["grad_avg"] = torch.zeros_like(p), torch.zeros_like(p)
                v = state["square_avg"].mul_(group["alpha"]).addcmul_(p.grad, p.grad, value=1 - group["alpha"])
                a = state["grad_avg"].mul_(group["alpha"]).add_(p.grad, alpha=1 - group["alpha"])
                p.addcdiv_(p.grad, self.variance(v, a).sqrt() + group["eps"], value=-group["lr"])


class RmspropClampsVariance(RmspropTakesRootOfVariance):
    """Follows ``rmsprop_centered``: takes a variance that is rounded below 0 for 0."""

    def variance(self, v, a):
        return (v - a * a).clamp(min=0)
