"""RMSprops and ADADELTAs: right ones, and wrong ones made from them by one mistake each."""

import torch


class HandWrittenRMSprop(torch.optim.Optimizer):
    """Follows ``rmsprop_centered_momentum``: as torch has it."""

    def __init__(self, params, lr=1e-2, beta2=0.99, eps=1e-8, momentum=0.9):
        super().__init__(params, {"lr": lr, "beta2": beta2, "eps": eps, "momentum": momentum})

    def divisor(self, v, a, eps):
        return (v - a * a).sqrt() + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        b.mul_(momentum).add_(g / divisor)
        p.sub_(lr * b)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta2 = group["beta2"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, **{key: torch.zeros_like(p).detach() for key in ("v", "a", "b")})
                state["step"] += 1
                v, a = state["v"], state["a"]
                v.copy_(beta2 * v + (1 - beta2) * p.grad * p.grad)
                a.copy_(beta2 * a + (1 - beta2) * p.grad)
                divisor = self.divisor(v, a, group["eps"])
                self.advance(p, p.grad, divisor, state["b"], group["lr"], group["momentum"])


class RmspropEpsInside(HandWrittenRMSprop):
    """Claims ``rmsprop``, breaks SC101: adds eps under the root, as TensorFlow does."""

    def divisor(self, v, a, eps):
        return (v + eps).sqrt()

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropDividesByAverage(HandWrittenRMSprop):
    """Claims ``rmsprop``, breaks SC101: forgets the root."""

    def divisor(self, v, a, eps):
        return v + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropCenteredWithoutSubtracting(HandWrittenRMSprop):
    """Claims ``rmsprop_centered``, breaks SC101: keeps the average gradient and divides as if it were not there."""

    def divisor(self, v, a, eps):
        return v.sqrt() + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropBufferHoldsLr(HandWrittenRMSprop):
    """Claims ``rmsprop_momentum``, breaks SC102: puts the learning rate inside the buffer, as TensorFlow does."""

    def divisor(self, v, a, eps):
        return v.sqrt() + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        b.mul_(momentum).add_(lr * g / divisor)
        p.sub_(b)


class RmspropCenteredMomentumAverages(HandWrittenRMSprop):
    """Claims ``rmsprop_centered_momentum``, breaks SC102: weighs what enters the buffer by 1 - momentum."""

    def advance(self, p, g, divisor, b, lr, momentum):
        super().advance(p, (1 - momentum) * g, divisor, b, lr, momentum)


class HandWrittenAdadelta(torch.optim.Optimizer):
    """Follows ``adadelta``: the update is scaled by the average of those before it."""

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6):
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps})

    def scale(self, x, v, eps):
        return (x + eps).sqrt() / (v + eps).sqrt()

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            rho, eps = group["rho"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, v=torch.zeros_like(p).detach(), x=torch.zeros_like(p).detach())
                state["step"] += 1
                v, x = state["v"], state["x"]
                v.copy_(rho * v + (1 - rho) * p.grad * p.grad)
                delta = self.delta(p.grad, x, v, rho, eps)
                x.copy_(rho * x + (1 - rho) * delta * delta)
                p.sub_(group["lr"] * delta)

    def delta(self, g, x, v, rho, eps):
        return self.scale(x, v, eps) * g


class AdadeltaUsesNewUpdates(HandWrittenAdadelta):
    """Claims ``adadelta``, breaks SC101 and SC102: scales the update by the average that this update has entered
    already.
    """

    def delta(self, g, x, v, rho, eps):
        first = self.scale(x, v, eps) * g
        return self.scale(rho * x + (1 - rho) * first * first, v, eps) * g


class AdadeltaEpsOutsideRoots(HandWrittenAdadelta):
    """Claims ``adadelta``, breaks SC101 and SC102: adds eps to the roots instead of under them."""

    def scale(self, x, v, eps):
        return (x.sqrt() + eps) / (v.sqrt() + eps)


class AdadeltaAveragesGradients(HandWrittenAdadelta):
    """Claims ``adadelta``, breaks SC101 and SC102: forgets its own units and scales by the learning rate alone."""

    def scale(self, x, v, eps):
        return 1 / (v + eps).sqrt()
