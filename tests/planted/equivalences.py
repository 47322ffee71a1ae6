"""Optimizers that part from what their rule comes to: another rule, a closed form, a side; each by one mistake."""

import torch


class _Moved(torch.optim.Optimizer):
    """The loop they share; a class is its states and one ``move``."""

    states = ()

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, **{name: torch.zeros_like(p) for name in self.states})
                state["step"] += 1
                self.move(p, p.grad, state, group)


class AdamWDecaysAtZero(_Moved):
    """Claims AdamW; takes a decay of 0 for one that was not given."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        p.mul_(1 - group["lr"] * (group["weight_decay"] or 1e-2))
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * g * g)
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + group["eps"]))


class NesterovWithOldBuffer(_Moved):
    """Claims Nesterov momentum; looks ahead along the buffer of the step before."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p, g, state, group):
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        p.sub_(group["lr"] * (g + momentum * (g if state["step"] == 1 else buffer)))
        buffer.mul_(momentum).add_(g)


class AmsgradDividesByNewest(_Moved):
    """Claims AMSGrad; keeps the maximum, and divides by the newest second moment."""

    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        v = state["exp_avg_sq"].mul_(beta2).add_((1 - beta2) * g * g)
        state["max_exp_avg_sq"].copy_(state["max_exp_avg_sq"].maximum(v))
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + group["eps"]))
