"""Adams whose formula is right and whose loop, counter or tensor handling is not."""

import torch


class _Adam(torch.optim.Optimizer):
    """Adam with its formula, its counter and its loop apart, so that one of them can be wrong."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, group)

    def advanced_state(self, p):
        """Return the state of ``p``, made at its first gradient, with its counter moved on by one."""
        state = self.state[p]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(p)
            state["exp_avg_sq"] = torch.zeros_like(p)
        state["step"] += 1
        return state

    def update(self, p, g, group):
        self.update_with(p, g, group, state := self.advanced_state(p), int(state["step"]))

    def update_with(self, p, g, group, state, t):
        beta1, beta2 = group["betas"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        denominator = (v / (1 - beta2**t)).sqrt() + group["eps"]
        p.addcdiv_(m / (1 - beta1**t), denominator, value=-group["lr"])


class AdamStepCounterStuckAt256(_Adam):
    """Claims ``adam`` in bfloat16, breaks SC103: counts in bfloat16, where 256 + 1 is 256."""

    def advanced_state(self, p):
        state = super().advanced_state(p)
        state["step"] = state["step"].to(torch.bfloat16)
        return state


class AdamSharedStepCount(_Adam):
    """Claims ``adam``, breaks SC103: has one counter for all parameters, wrong for those that missed a gradient."""

    steps = 0

    def step(self):
        self.steps += 1
        super().step()

    def advanced_state(self, p):
        state = super().advanced_state(p)
        state["step"] = torch.tensor(float(self.steps))
        return state


class AdamCountsEveryParameter(_Adam):
    """Claims ``adam``, breaks SC103: moves one counter on for each parameter instead of each step."""

    steps = 0

    def advanced_state(self, p):
        state = super().advanced_state(p)
        self.steps += 1
        state["step"] = torch.tensor(float(self.steps))
        return state


class AdamTreatsNoneGradientAsZero(_Adam):
    """Claims ``adam``, breaks SC102: steps a parameter without a gradient as if its gradient were zero."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.update(p, torch.zeros_like(p) if p.grad is None else p.grad, group)


class AdamForgetsCounterOnReload(_Adam):
    """Claims ``adam``, breaks SC103: counts outside its state dict, so a loaded checkpoint starts at t = 1 again."""

    def advanced_state(self, p):
        if not hasattr(self, "counters"):
            self.counters = {}
        self.counters[p] = self.counters.get(p, 0) + 1
        state = super().advanced_state(p)
        state["step"] = torch.tensor(float(self.counters[p]))
        return state


class AdamFirstGroupForAll(_Adam):
    """Claims ``adam``, breaks SC101: reads the first group's learning rate for every group."""

    def update(self, p, g, group):
        super().update(p, g, {**group, "lr": self.param_groups[0]["lr"]})


class AdamIgnoresScheduler(_Adam):
    """Claims ``adam``, breaks SC101: keeps the learning rate it was built with."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr, betas, eps)
        for group in self.param_groups:
            group["built_with"] = group["lr"]

    def update(self, p, g, group):
        super().update(p, g, {**group, "lr": group["built_with"]})


class AdamMovesCopyOfStridedParameter(_Adam):
    """Claims ``adam``, breaks SC101: flattens with reshape, which copies a strided parameter: the step is lost."""

    def update_with(self, p, g, group, state, t):
        flat = {"exp_avg": state["exp_avg"].reshape(-1), "exp_avg_sq": state["exp_avg_sq"].reshape(-1)}
        super().update_with(p.reshape(-1), g.reshape(-1), group, flat, t)


class AdamSkipsLastElement(_Adam):
    """Claims ``adam``, breaks SC101: ends its loop one element early, as a kernel with a wrong bound does."""

    def update_with(self, p, g, group, state, t):
        before = p.clone()
        super().update_with(p, g, group, state, t)
        if p.dim() == 1 and p.numel() > 1:
            p[-1] = before[-1]


class AdamNanAtZeroGradient(_Adam):
    """Claims ``adam``, breaks SC101: factors the gradient out of the step, and divides it by itself."""

    def update_with(self, p, g, group, state, t):
        before = p.clone()
        super().update_with(p, g, group, state, t)
        p.copy_(before + (p - before) * (g / g))


class AdamDropsTinyGradients(_Adam):
    """Claims ``adam``, breaks SC102: takes gradients below a threshold for zero."""

    def update_with(self, p, g, group, state, t):
        super().update_with(p, torch.where(g.abs() < 1e-30, 0.0, g), group, state, t)


class AdamCountsMissingGradients(_Adam):
    """Claims ``adam``, breaks SC103: moves the counter on also where there is no gradient, and nothing else."""

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None and self.state[p]:
                    self.state[p]["step"] += 1
        super().step()
