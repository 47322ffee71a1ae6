"""Right optimizers with conventions of their own: what they count, what they are built from and what they refuse."""

import torch


class _Adam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, p.grad, group)

    def move(self, p, g, group):
        state = self.state[p]
        if not state:
            state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["step"] += 1
        self.follow(p, g, state, group, state["step"])

    def follow(self, p, g, state, group, t):
        beta1, beta2 = group["betas"]
        state["m"].mul_(beta1).add_(g, alpha=1 - beta1)
        state["v"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        m_hat, v_hat = state["m"] / (1 - beta1**t), state["v"] / (1 - beta2**t)
        p.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))


class AdamNumbersTheStepToCome(_Adam):
    """Follows ``adam``: its counter starts at 1 and holds the number of the step that comes next."""

    def move(self, p, g, group):
        state = self.state[p]
        if not state:
            state.update(step=1, m=torch.zeros_like(p), v=torch.zeros_like(p))
        self.follow(p, g, state, group, state["step"])
        state["step"] += 1


class AdamOfModel(_Adam):
    """Follows ``adam``: its constructor takes a model."""

    def __init__(self, model, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(model.parameters(), lr, betas, eps)


class AdamOfNamedParameters(_Adam):
    """Follows ``adam``: its constructor takes parameters with their names."""

    def __init__(self, named_parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__([p for _, p in named_parameters], lr, betas, eps)


class AdamChecksItsArguments(_Adam):
    """Follows ``adam``: takes no learning rate of 0 or in a tensor, no eps of 0, and no empty parameter."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        if not isinstance(lr, float):
            raise TypeError(f"lr={lr!r} should be a float")
        if lr <= 0.0 or eps <= 0.0 or not all(0.0 <= beta < 1.0 for beta in betas):
            raise ValueError(f"lr={lr}, eps={eps} or betas={betas} is out of range")
        super().__init__(params, lr, betas, eps)

    def move(self, p, g, group):
        if p.numel() == 0:
            raise ValueError("a parameter has no elements")
        super().move(p, g, group)


class AdamWithOtherDefaults(torch.optim.Adam):
    """Follows ``adam``: torch's own with other defaults, and a name for each instance."""

    def __init__(self, params, lr=3e-3, betas=(0.85, 0.98), name="adam", **rest):
        super().__init__(params, lr=lr, betas=betas, **rest)
        self.name = name


class AdamCountsItsCalls(torch.optim.Adam):
    """Follows ``adam``: torch's own, which counts the calls of its step."""

    calls = 0

    def step(self, closure=None):
        self.calls += 1
        return super().step(closure)


class AdamKeepsCorrectedAverages(_Adam):
    """Follows ``adam``: what it keeps under the names of the averages is corrected already, by weights that fall."""

    def follow(self, p, g, state, group, t):
        for average, seen, beta in zip((state["m"], state["v"]), (g, g * g), group["betas"], strict=True):
            average.lerp_(seen, (1 - beta) / (1 - beta**t))
        p.sub_(group["lr"] * state["m"] / (state["v"].sqrt() + group["eps"]))


class AdamCorrectsOneAverageTwice(AdamKeepsCorrectedAverages):
    """Claims ``adam``, breaks SC101: keeps corrected averages, and corrects the second one once more in its step."""

    def follow(self, p, g, state, group, t):
        for average, seen, beta in zip((state["m"], state["v"]), (g, g * g), group["betas"], strict=True):
            average.lerp_(seen, (1 - beta) / (1 - beta**t))
        p.sub_(group["lr"] * state["m"] / ((state["v"] / (1 - group["betas"][1] ** t)).sqrt() + group["eps"]))
