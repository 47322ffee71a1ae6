"""Optimizers that are right in their first steps, and wrong in some later ones: thresholds, and counters that stop."""

import torch


class _AdamW(torch.optim.Optimizer):
    """AdamW, all of it right; a part is wrong in each subclass, late."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.advanced(p), group)

    def advanced(self, p):
        """Return the state of ``p``, made at its first gradient, with its counter moved on by one."""
        state = self.state[p]
        if not state:
            state["step"], state["exp_avg"], state["exp_avg_sq"] = self.zero(), torch.zeros_like(p), torch.zeros_like(p)
        state["step"] += 1
        return state

    def zero(self):
        return 0

    def decay(self, state, group):
        return 1 - group["lr"] * group["weight_decay"]

    def correction(self, beta, t):
        return 1 - beta**t

    def update(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], int(state["step"])
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        p.mul_(self.decay(state, group))
        denominator = (v / self.correction(beta2, t)).sqrt() + group["eps"]
        p.addcdiv_(m / self.correction(beta1, t), denominator, value=-group["lr"])


class AdamWDecaysAtFirst(_AdamW):
    """Claims ``adamw``, breaks SC101: leaves the decay out after a hundred steps."""

    def decay(self, state, group):
        return super().decay(state, group) if state["step"] <= 100 else 1.0


class AdamWStopsCorrecting(_AdamW):
    """Claims ``adamw``, breaks SC101: takes a bias correction for 1 after a thousand steps, when it is 0.63."""

    def correction(self, beta, t):
        return super().correction(beta, t) if t <= 1000 else 1.0


class AdamWCountsCallsInOneByte(_AdamW):
    """Claims ``adamw``, breaks SC101: decays by a counter of its own, whose byte is full after 127 calls."""

    calls = torch.zeros((), dtype=torch.int8)

    @torch.no_grad()
    def step(self):
        self.calls = self.calls + 1
        super().step()

    def decay(self, state, group):
        return super().decay(state, group) if self.calls > 0 else 1.0


class AdamWCountsInOneByte(_AdamW):
    """Claims ``adamw``, breaks SC103: counts steps in a byte with a sign, which ends at 127."""

    def zero(self):
        return torch.zeros((), dtype=torch.int8)

    def correction(self, beta, t):
        return 1 - beta ** max(t, 1)


class AdamWCorrectsByHalf(_AdamW):
    """Claims ``adamw`` in float16, breaks SC101: corrects by a count in float16, where 2048 + 1 is 2048."""

    def correction(self, beta, t):
        return super().correction(beta, min(t, 2048))
