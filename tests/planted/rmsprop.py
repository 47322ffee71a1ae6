"""RMSprops: a right one with every option, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenRMSprop(torch.optim.Optimizer):
    """Claims RMSprop, centered, with momentum; as torch has it."""

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
    """Claims RMSprop; adds eps under the root, as TensorFlow does."""

    def divisor(self, v, a, eps):
        return (v + eps).sqrt()

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropDividesByAverage(HandWrittenRMSprop):
    """Claims RMSprop; forgets the root."""

    def divisor(self, v, a, eps):
        return v + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropCenteredWithoutSubtracting(HandWrittenRMSprop):
    """Claims centered RMSprop; keeps the average gradient and divides as if it were not there."""

    def divisor(self, v, a, eps):
        return v.sqrt() + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        p.sub_(lr * g / divisor)


class RmspropBufferHoldsLr(HandWrittenRMSprop):
    """Claims torch's RMSprop with momentum; puts the learning rate inside the buffer, as TensorFlow does."""

    def divisor(self, v, a, eps):
        return v.sqrt() + eps

    def advance(self, p, g, divisor, b, lr, momentum):
        b.mul_(momentum).add_(lr * g / divisor)
        p.sub_(b)


class RmspropCenteredMomentumAverages(HandWrittenRMSprop):
    """Claims centered RMSprop with momentum; weighs what enters the buffer by 1 - momentum."""

    def advance(self, p, g, divisor, b, lr, momentum):
        super().advance(p, (1 - momentum) * g, divisor, b, lr, momentum)
