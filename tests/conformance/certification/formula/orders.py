"""Optimizers that compute a rule in an order of their own, and others that only look so."""

import torch


class Stepper(torch.optim.Optimizer):
    """Calls ``take`` with each parameter, its gradient, its state and its hyper-parameters; ``states`` start at 0."""

    states = ()

    def __init__(self, params, **defaults):
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update({name: torch.zeros_like(p) for name in self.states}, step=0)
                state["step"] += 1
                self.take(p, p.grad, state, group)


class NesterovInTwoSteps(Stepper):
    """nesterov: the gradient and the buffer are added one after the other."""

    states = ("momentum_buffer",)

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr=lr, momentum=momentum)

    def take(self, p, g, state, group):
        lr, mu = group["lr"], group["momentum"]
        b = state["momentum_buffer"].mul_(mu).add_(g)
        p.add_(g, alpha=-lr).add_(b, alpha=-lr * mu)


class DecayThenStep(Stepper):
    """sgd+decoupled_decay: theta shrinks first, and lr*g is a product of its own."""

    def __init__(self, params, lr=0.1, weight_decay=0.01):
        super().__init__(params, lr=lr, weight_decay=weight_decay)

    def take(self, p, g, state, group):
        p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * g)


class Adam(Stepper):
    """adam, in parts that others replace."""

    states = ("exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr=lr, betas=betas, eps=eps)

    def average(self, m, v, g, beta1, beta2):
        m.mul_(beta1).add_(g, alpha=1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)

    def move(self, p, m, v, c1, c2, lr, eps):
        p.addcdiv_(m, (v.sqrt() / c2**0.5).add_(eps), value=-lr / c1)

    def power(self, beta, t):
        return beta**t

    def take(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        self.average(m, v, g, beta1, beta2)
        self.move(p, m, v, 1 - self.power(beta1, t), 1 - self.power(beta2, t), group["lr"], group["eps"])


class AdamByIncrements(Adam):
    """adam: both averages move by a share of the difference, which cancels where beta2 = 0."""

    def average(self, m, v, g, beta1, beta2):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)


class AdamWithScaledEps(Adam):
    """adam: the corrections are folded into the step size, and eps is scaled to go with that."""

    def move(self, p, m, v, c1, c2, lr, eps):
        p.addcdiv_(m, v.sqrt().add_(eps * c2**0.5), value=-lr * c2**0.5 / c1)


class AdamDividesFirst(Adam):
    """adam: the step size is divided by, where others multiply by its inverse."""

    def move(self, p, m, v, c1, c2, lr, eps):
        p.sub_(m / ((v / c2).sqrt().add_(eps) * (c1 / lr)))


class AdamCountsInFloat32(Adam):
    """adam: beta**t is a float32 tensor, whatever the parameters are."""

    def power(self, beta, t):
        return torch.tensor(beta**t, dtype=torch.float32)


class AdamInOtherWords(Adam):
    """adam, with arguments of names that say nothing."""

    def __init__(self, params, pace=1e-3, old=0.9, older=0.999, eps=1e-8):
        torch.optim.Optimizer.__init__(self, params, {"pace": pace, "old": old, "older": older, "eps": eps})

    def take(self, p, g, state, group):
        super().take(p, g, state, {**group, "lr": group["pace"], "betas": (group["old"], group["older"])})


class AdamBeta2InFloat32(Adam):
    """Not adam in float64: another beta2."""

    def average(self, m, v, g, beta1, beta2):
        super().average(m, v, g, beta1, torch.tensor(beta2, dtype=torch.float32).item())


class AdamNarrowsItsAverages(Adam):
    """Not adam in half formats: float32 averages that are rounded to the parameter's format at every step."""

    def take(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m, v = (state[name].float() for name in self.states)
        state.update(exp_avg=m, exp_avg_sq=v)
        self.average(m, v, g.float(), beta1, beta2)
        p.copy_(p.float().addcdiv(m / (1 - beta1**t), (v / (1 - beta2**t)).sqrt() + group["eps"], value=-group["lr"]))
        for name in self.states:
            state[name].copy_(state[name].to(p.dtype))


class AdamEpsInFloat32(Adam):
    """Not adam in float64: another eps."""

    def move(self, p, m, v, c1, c2, lr, eps):
        super().move(p, m, v, c1, c2, lr, torch.tensor(eps, dtype=torch.float32))


class AdamRateOff(Adam):
    """Not adam in float64: lr is 3e-8 too large, relative."""

    def move(self, p, m, v, c1, c2, lr, eps):
        super().move(p, m, v, c1, c2, lr * 1.00000003, eps)


class AdamNanWhereNothingMoved(Adam):
    """Not adam: 0/0 where an average is 0, and the same function elsewhere."""

    def move(self, p, m, v, c1, c2, lr, eps):
        super().move(p, m.abs() * (m / m.abs()), v, c1, c2, lr, eps)


class AdamRootInHalf(Adam):
    """Not adam: the root goes through a narrower format."""

    def move(self, p, m, v, c1, c2, lr, eps):
        super().move(p, m, v.to(torch.bfloat16).sqrt().to(v.dtype).square_(), c1, c2, lr, eps)


class AdamWithRoughRoot(Adam):
    """Not adam: v is good to 11 bits, by a function that is not read."""

    def move(self, p, m, v, c1, c2, lr, eps):
        super().move(p, m, v * (1 + 0.0005 * torch.erf(v)), c1, c2, lr, eps)
