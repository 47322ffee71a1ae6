"""Right optimizers beside the wrong ones, so that a law which breaks everything is found out."""

import torch


class CorrectAdam(torch.optim.Adam):
    """Follows ``adam``: is torch's own, under a name that stepcheck knows nothing about."""


class HandWrittenAdam(torch.optim.Optimizer):
    """Follows ``adam``: Algorithm 1 line by line, with its scalars as Python floats."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step_number(self, t):
        """Return ``t`` in the format that this optimizer counts in."""
        return t

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = torch.zeros_like(p)
                    state["exp_avg_sq"] = torch.zeros_like(p)
                state["step"] += 1
                t = self.step_number(state["step"])
                m, v = state["exp_avg"], state["exp_avg_sq"]
                m.copy_(beta1 * m + (1 - beta1) * p.grad)
                v.copy_(beta2 * v + (1 - beta2) * p.grad * p.grad)
                m_hat = m / (1 - beta1**t)
                v_hat = v / (1 - beta2**t)
                p.sub_(lr * m_hat / (v_hat.sqrt() + eps))


class HandWrittenAdamFloat32Scalars(HandWrittenAdam):
    """Follows ``adam``: counts in a float32 tensor, so what depends on t is computed in float32 too."""

    def step_number(self, t):
        return torch.tensor(float(t))


class HandWrittenMomentum(torch.optim.Optimizer):
    """Follows ``momentum``: the buffer starts at the first gradient."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = p.grad.clone()
                else:
                    state["momentum_buffer"].mul_(group["momentum"]).add_(p.grad, alpha=1 - group["dampening"])
                p.sub_(state["momentum_buffer"], alpha=group["lr"])
