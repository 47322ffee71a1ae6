"""Optimizers whose formula is right for the hyper-parameters they were built with, and not for those of later steps."""

import torch


class _AdamW(torch.optim.Optimizer):
    """AdamW, all of it right, which asks ``hyper`` for what it computes with; subclasses answer with old values."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})
        self.prepare()

    def prepare(self):
        """Do what is done once, at construction."""

    @torch.no_grad()
    def step(self):
        self.begin()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], self.hyper(group, self.state[p]))

    def begin(self):
        """Do what is done once in every call."""

    def hyper(self, group, state):
        return group

    def update(self, p, g, state, hyper):
        if "step" not in state:
            state["step"], state["exp_avg"], state["exp_avg_sq"] = 0, torch.zeros_like(p), torch.zeros_like(p)
        state["step"] += 1
        beta1, beta2 = hyper["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        p.mul_(1 - hyper["lr"] * hyper["weight_decay"])
        denominator = (v / (1 - beta2 ** state["step"])).sqrt() + hyper["eps"]
        p.addcdiv_(m / (1 - beta1 ** state["step"]), denominator, value=-hyper["lr"])


class AdamWComputesComplementsAgain(_AdamW):
    """Follows ``adamw``: stores 1 - beta of each group, and computes it again where a beta is no longer the same."""

    complements = None

    def update(self, p, g, state, hyper):
        self.complements = self.complements or {}
        known = self.complements.get(hyper["betas"])
        if known is None:
            known = self.complements[hyper["betas"]] = tuple(1 - beta for beta in hyper["betas"])
        assert known == tuple(1 - beta for beta in hyper["betas"])
        super().update(p, g, state, hyper)


class AdamWKeepsBetasOfFirstGradient(_AdamW):
    """Claims ``adamw``, breaks SC102: reads its betas at the first gradient of each group."""

    def hyper(self, group, state):
        return {**group, "betas": group.setdefault("first_betas", group["betas"])}


class AdamWKeepsEpsOfFirstGradient(_AdamW):
    """Claims ``adamw``, breaks SC101: stores eps with the moments, when it makes them."""

    def hyper(self, group, state):
        return {**group, "eps": state.setdefault("eps", group["eps"])}


class AdamWKeepsDecayWhileRateStays(_AdamW):
    """Claims ``adamw``, breaks SC101: computes the decay anew where the learning rate has changed, and there alone."""

    def hyper(self, group, state):
        if state.get("rate") != group["lr"]:
            state["rate"], state["decay"] = group["lr"], group["weight_decay"]
        return {**group, "weight_decay": state["decay"]}


class AdamWKeepsGroupsOfFirstCall(_AdamW):
    """Claims ``adamw``, breaks SC260: copies its groups in the first call, all but the learning rate."""

    first = None

    def begin(self):
        if self.first is None:
            self.first = [
                {name: group[name] for name in ("betas", "eps", "weight_decay")} for group in self.param_groups
            ]

    def hyper(self, group, state):
        number = next(i for i, entry in enumerate(self.param_groups) if entry is group)
        return {**group, **self.first[number]}


class AdamWKeepsLargestEps(_AdamW):
    """Claims ``adamw``, breaks SC260: takes the largest eps that a group ever had, and never a smaller one again."""

    def begin(self):
        for group in self.param_groups:
            group["largest"] = max(group.get("largest", 0.0), group["eps"])

    def hyper(self, group, state):
        return {**group, "eps": group["largest"]}


class MomentumKeepsFirstCoefficient(torch.optim.Optimizer):
    """Claims ``momentum``, breaks SC102: stores the coefficient beside each buffer, and misses a schedule of it."""

    def __init__(self, params, lr=1e-3, momentum=0.9, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if state:
                    buffer = state["momentum_buffer"].mul_(state["coefficient"])
                    buffer.add_(p.grad, alpha=1 - group["dampening"])
                else:
                    state["coefficient"], state["momentum_buffer"] = group["momentum"], p.grad.clone()
                p.sub_(state["momentum_buffer"] * group["lr"])
