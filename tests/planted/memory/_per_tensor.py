"""Adam and gradient descent, tensor by tensor, all right; each optimizer that uses them has one part wrong."""

import torch


class AdamPerTensor(torch.optim.Optimizer):
    """Adam, all right."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            self.update_all([p for p in group["params"] if p.grad is not None], group)

    def update_all(self, tensors, group):
        for p in tensors:
            self.update(p, p.grad, group)

    def update(self, p, g, group):
        p.sub_(self.direction(p, g, group))

    def direction(self, p, g, group):
        """Return the step of ``p``, after its states have moved on."""
        state = self.state[p]
        if not state:
            state.update({"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)})
        state["step"] += 1
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        return m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"]) * group["lr"]


class SgdPerTensor(torch.optim.Optimizer):
    """Gradient descent, all right."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            self.update_all([p for p in group["params"] if p.grad is not None], group)

    def update_all(self, tensors, group):
        for p in tensors:
            self.update(p, p.grad, group["lr"])

    def update(self, p, g, lr):
        p.sub_(g, alpha=lr)
