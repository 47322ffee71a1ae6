"""Optimizers that are right in single mode and wrong in another: a list is cut short, a result is dropped."""

import torch


class _TwoPaths(torch.optim.Optimizer):
    """The loop, the state and the counter, all right; subclasses hold a plain path and one over lists."""

    PATH = "foreach"

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.stepped_groups():
            stepped = [p for p in group["params"] if p.grad is not None]
            for p in stepped:
                state = self.state[p]
                if not state:
                    state.update({"step": 0, **self.start(p, group)})
                state["step"] += 1
            if group[self.PATH]:
                self.update_list(stepped, [p.grad for p in stepped], [self.state[p] for p in stepped], group)
            else:
                for p in stepped:
                    self.update_one(p, p.grad, self.state[p], group)
        return loss

    def stepped_groups(self):
        """Return the groups that a step comes to."""
        return self.param_groups


class AmsgradForeachNeverStoresMaximum(_TwoPaths):
    """Claims ``amsgrad`` in foreach mode, breaks SC102 and SC202: its foreach path takes the maximum for this step, and
    stores it nowhere.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=False):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "foreach": foreach})

    def start(self, p, group):
        return {key: torch.zeros_like(p).detach() for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")}

    def averages(self, g, state, betas):
        state["exp_avg"].mul_(betas[0]).add_(g, alpha=1 - betas[0])
        state["exp_avg_sq"].mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])

    def update_one(self, p, g, state, group):
        self.averages(g, state, group["betas"])
        largest = torch.maximum(state["max_exp_avg_sq"], state["exp_avg_sq"], out=state["max_exp_avg_sq"])
        self.update(p, largest, state, group)

    def update_list(self, ps, gs, states, group):
        for g, state in zip(gs, states, strict=True):
            self.averages(g, state, group["betas"])
        largest = [torch.maximum(state["max_exp_avg_sq"], state["exp_avg_sq"]) for state in states]
        for p, one, state in zip(ps, largest, states, strict=True):
            self.update(p, one, state, group)

    def update(self, p, largest, state, group):
        c1, c2 = (1 - beta ** state["step"] for beta in group["betas"])
        p.addcdiv_(state["exp_avg"] / c1, (largest / c2).sqrt() + group["eps"], value=-group["lr"])


class RadamForeachIgnoresEps(_TwoPaths):
    """Claims ``radam`` in foreach mode, breaks SC101: its foreach path divides by the root alone."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=False):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "foreach": foreach})

    def start(self, p, group):
        return {key: torch.zeros_like(p).detach() for key in ("exp_avg", "exp_avg_sq")}

    def update_one(self, p, g, state, group):
        self.update(p, g, state, group, group["eps"])

    def update_list(self, ps, gs, states, group):
        for p, g, state in zip(ps, gs, states, strict=True):
            self.update(p, g, state, group, 0.0)

    def update(self, p, g, state, group, eps):
        (beta1, beta2), t, lr = group["betas"], state["step"], group["lr"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        last = 2 / (1 - beta2) - 1
        rho = last - 2 * t * beta2**t / (1 - beta2**t)
        step = lr * (m / (1 - beta1**t))
        if rho > 5:
            rectified = ((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho)) ** 0.5
            step = step * rectified * (1 - beta2**t) ** 0.5 / (v.sqrt() + eps)
        p.sub_(step)


class AsgdForeachTakesFirstRate(_TwoPaths):
    """Claims ``asgd`` in foreach mode, breaks SC101: its foreach path steps every tensor with the first one's rate."""

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, foreach=False):
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "foreach": foreach})

    def start(self, p, group):
        return {"ax": torch.zeros_like(p).detach(), "eta": group["lr"], "mu": 1.0}

    def update_one(self, p, g, state, group):
        self.update(p, g, state, group, state["eta"])

    def update_list(self, ps, gs, states, group):
        first = states[0]["eta"] if states else 0.0
        for p, g, state in zip(ps, gs, states, strict=True):
            self.update(p, g, state, group, first)

    def update(self, p, g, state, group, eta):
        t, ax = state["step"], state["ax"]
        p.copy_((1 - group["lambd"] * eta) * p - eta * g)
        ax.copy_(p if state["mu"] == 1 else ax + state["mu"] * (p - ax))
        state["eta"] = group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]
        state["mu"] = 1 / max(1, t - group["t0"])


class RpropForeachZeroesGradient(_TwoPaths):
    """Claims ``rprop`` in foreach mode, breaks SC203: where the sign turns, its foreach path writes a zero into the
    user's gradient.
    """

    def __init__(self, params, lr=1e-2, eta_minus=0.5, eta_plus=1.2, step_min=1e-6, step_max=50.0, foreach=False):
        defaults = {"eta_minus": eta_minus, "eta_plus": eta_plus, "step_min": step_min, "step_max": step_max}
        super().__init__(params, {"lr": lr, **defaults, "foreach": foreach})

    def start(self, p, group):
        return {"g_prev": torch.zeros_like(p).detach(), "step_size": torch.full_like(p, group["lr"]).detach()}

    def update_one(self, p, g, state, group):
        self.update(p, g.clone(), state, group)

    def update_list(self, ps, gs, states, group):
        for p, g, state in zip(ps, gs, states, strict=True):
            self.update(p, g, state, group)

    def update(self, p, g, state, group):
        turn = g * state["g_prev"]
        grown = torch.where(turn > 0, torch.full_like(turn, group["eta_plus"]), torch.ones_like(turn))
        factor = torch.where(turn < 0, torch.full_like(turn, group["eta_minus"]), grown)
        state["step_size"].mul_(factor).clamp_(group["step_min"], group["step_max"])
        g[turn < 0] = 0
        p.sub_(state["step_size"] * g.sign())
        state["g_prev"].copy_(g)


class AdagradForeachStopsAfterSparseGroup(_TwoPaths):
    """Claims ``adagrad`` in foreach mode, breaks SC238: its foreach path returns from the first group with a sparse
    gradient, so the others rest.
    """

    def __init__(self, params, lr=1e-2, eps=1e-10, foreach=False):
        super().__init__(params, {"lr": lr, "eps": eps, "foreach": foreach})

    def stepped_groups(self):
        for group in self.param_groups:
            yield group
            sparse = any(p.grad is not None and p.grad.is_sparse for p in group["params"])
            if sparse and group["foreach"]:
                return

    def start(self, p, group):
        return {"h": torch.zeros_like(p).detach()}

    def update_one(self, p, g, state, group):
        g = g.to_dense() if g.is_sparse else g
        state["h"].addcmul_(g, g)
        p.addcdiv_(g, state["h"].sqrt() + group["eps"], value=-group["lr"])

    def update_list(self, ps, gs, states, group):
        for p, g, state in zip(ps, gs, states, strict=True):
            self.update_one(p, g, state, group)


class AdamFusedIgnoresOverflow(_TwoPaths):
    """Claims ``adam`` in fused mode, breaks SC239: its fused path declares support for AMP scaling, and steps
    through overflow.
    """

    PATH = "fused"

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, fused=False):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "fused": fused})
        self._step_supports_amp_scaling = fused

    def start(self, p, group):
        return {key: torch.zeros_like(p).detach() for key in ("exp_avg", "exp_avg_sq")}

    def update_one(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        p.addcdiv_(m / (1 - beta1**t), (v / (1 - beta2**t)).sqrt() + group["eps"], value=-group["lr"])

    def update_list(self, ps, gs, states, group):
        for p, g, state in zip(ps, gs, states, strict=True):
            self.update_one(p, g, state, group)
