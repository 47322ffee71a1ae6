"""Adams that round where the rule does not: a scalar, or everything, in too narrow a format."""

import torch


class _Adam(torch.optim.Optimizer):
    """Adam by its formula; subclasses round what goes in."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = torch.zeros_like(p)
                    state["exp_avg_sq"] = torch.zeros_like(p)
                state["step"] += 1
                self.update(p, p.grad, state, group["lr"], *group["betas"], group["eps"])

    def update(self, p, g, state, lr, beta1, beta2, eps):
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        c1, c2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
        p.addcdiv_(m / c1, (v / c2).sqrt() + eps, value=-lr)


def rounded(value, dtype):
    """Return ``value`` rounded to ``dtype``, as a Python float."""
    return float(torch.tensor(value, dtype=torch.float64).to(dtype))


class AdamBeta2RoundedToBfloat16(_Adam):
    """Claims ``adam``, breaks SC102: rounds beta2 to bfloat16, where 0.999 is 1."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        super().update(p, g, state, lr, beta1, rounded(beta2, torch.bfloat16), eps)


class AdamBetasRoundedToFloat16(_Adam):
    """Claims ``adam``, breaks SC102: rounds both betas to float16, an error of 2e-5 in 0.999."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        super().update(p, g, state, lr, rounded(beta1, torch.float16), rounded(beta2, torch.float16), eps)


class AdamEpsRoundedToFloat16(_Adam):
    """Claims ``adam``, breaks SC101: rounds eps to float16, where 1e-8 is 0."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        super().update(p, g, state, lr, beta1, beta2, rounded(eps, torch.float16))


class AdamLrRoundedToBfloat16(_Adam):
    """Claims ``adam``, breaks SC101: rounds the learning rate to bfloat16, an error of up to 0.4 %."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        super().update(p, g, state, rounded(lr, torch.bfloat16), beta1, beta2, eps)


class AdamSquaresInBfloat16(_Adam):
    """Claims ``adam``, breaks SC102: squares the gradient in bfloat16."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        square = g.to(torch.bfloat16).square().to(g.dtype)
        v = state["exp_avg_sq"].mul_(beta2).add_(square, alpha=1 - beta2)
        c1, c2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
        p.addcdiv_(m / c1, (v / c2).sqrt() + eps, value=-lr)


class AdamComputesInFloat32(_Adam):
    """Claims ``adam`` in float64, breaks SC101: keeps its moments in float64 and takes the step in float32."""

    def update(self, p, g, state, lr, beta1, beta2, eps):
        before = p.clone()
        super().update(p, g, state, lr, beta1, beta2, eps)
        p.copy_(before + (p - before).to(torch.float32).to(p.dtype))


class AdamFloat32ScalarsFromOne(_Adam):
    """Claims ``adam``, breaks SC104: counts in float32, and fills the second moment with
    ones.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr, betas, eps)
        for group in self.param_groups:
            for p in group["params"]:
                zeros, ones = torch.zeros_like(p).detach(), torch.ones_like(p).detach()
                self.state[p] = {"step": torch.tensor(0.0), "exp_avg": zeros, "exp_avg_sq": ones}
