"""Optimizers of bfloat16 parameters that keep their states in float32, and use it or do not."""

import torch


class _Wide(torch.optim.Optimizer):
    """Adam whose moments are float32 beside narrow parameters, and stay so when they are loaded."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], group)

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        ordered = [p for group in self.param_groups for p in group["params"]]
        for number, entries in state_dict["state"].items():
            for name in ("exp_avg", "exp_avg_sq"):
                self.state[ordered[number]][name] = entries[name].clone()

    def start(self, p, state):
        """Make the state of ``p`` at its first gradient."""
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(p, dtype=torch.promote_types(p.dtype, torch.float32))
            state["exp_avg_sq"] = torch.zeros_like(state["exp_avg"])
        state["step"] += 1

    def average(self, p, g, state, group):
        """Move the moments on."""
        beta1, beta2 = group["betas"]
        state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(g.to(state["exp_avg"].dtype), g, value=1 - beta2)

    def update(self, p, g, state, group):
        self.start(p, state)
        self.average(p, g, state, group)
        beta1, beta2 = group["betas"]
        m_hat = state["exp_avg"] / (1 - beta1 ** state["step"])
        v_hat = state["exp_avg_sq"] / (1 - beta2 ** state["step"])
        p.copy_(p.to(m_hat.dtype) - m_hat / (v_hat.sqrt() + group["eps"]) * group["lr"])


class AdamKeepsFloat32Moments(_Wide):
    """Follows ``adam`` in bfloat16: computes in float32, and rounds once, into the parameter."""


class AdamSquaresNarrowGradients(_Wide):
    """Follows ``adam`` in bfloat16: squares the gradient in its own format, and adds it up in float32."""

    def average(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        state["exp_avg_sq"].mul_(beta2).add_(g * g, alpha=1 - beta2)


class AdamTakesNarrowSteps(_Wide):
    """Follows ``adam`` in bfloat16: keeps float32 moments, and takes the step in the parameter's format."""

    def update(self, p, g, state, group):
        self.start(p, state)
        self.average(p, g, state, group)
        beta1, beta2 = group["betas"]
        m, v = state["exp_avg"].to(p.dtype), state["exp_avg_sq"].to(p.dtype)
        denominator = (v / (1 - beta2 ** state["step"])).sqrt() + group["eps"]
        p.sub_(m / (1 - beta1 ** state["step"]) / denominator * group["lr"])


class AdamRoundsWideMoments(_Wide):
    """Claims ``adam`` in bfloat16, breaks SC102: keeps float32 moments and rounds them to bfloat16 after each step."""

    def average(self, p, g, state, group):
        super().average(p, g, state, group)
        for name in ("exp_avg", "exp_avg_sq"):
            state[name].copy_(state[name].to(p.dtype))


class AdamRoundsOneWideMoment(_Wide):
    """Claims ``adam`` in bfloat16, breaks SC102: averages the squares in bfloat16, and keeps the result in float32."""

    def average(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].to(p.dtype).mul_(beta2).addcmul_(g, g, value=1 - beta2)
        state["exp_avg_sq"].copy_(v)


class AdamRoundsWideMomentsNowAndThen(_Wide):
    """Claims ``adam`` in bfloat16, breaks SC102: rounds its float32 moments to bfloat16 in every third step."""

    def average(self, p, g, state, group):
        super().average(p, g, state, group)
        if state["step"] % 3 == 0:
            state["exp_avg"].copy_(state["exp_avg"].to(p.dtype))
            state["exp_avg_sq"].copy_(state["exp_avg_sq"].to(p.dtype))


class MomentumRoundsWideBuffer(torch.optim.Optimizer):
    """Claims ``momentum`` in bfloat16, breaks SC102: keeps a float32 buffer and computes it in bfloat16."""

    def __init__(self, params, lr=1e-3, momentum=0.9, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, g = self.state[p], p.grad
                if "momentum_buffer" in state:
                    g = g * (1 - group["dampening"]) + state["momentum_buffer"].to(g.dtype) * group["momentum"]
                state["momentum_buffer"] = g.to(torch.promote_types(g.dtype, torch.float32))
                p.sub_(g * group["lr"])
