"""Optimizers that are read: each computes something in a way of its own, or hides a part of what it computes."""

import itertools
import math

import torch


class Plain(torch.optim.Optimizer):
    """Gradient descent whose ``update`` is replaced."""

    def __init__(self, params, lr=1e-2, decay=0.1):
        super().__init__(params, {"lr": lr, "decay": decay})
        self.calls = itertools.count(1)

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], group)

    def update(self, p, g, state, group):
        p.sub_(group["lr"] * g)


class OldOverloads(Plain):
    """Calls ``add_``, ``addcmul_`` and ``addcdiv_`` with their first number in front."""

    def update(self, p, g, state, group):
        v = state.setdefault("v", torch.zeros_like(p))
        v.mul_(0.9)
        torch.Tensor.addcmul_(v, g, g, value=1 - 0.9)
        p.add_(g, alpha=-group["lr"]).addcdiv_(g, v.sqrt().add_(1e-8), value=-group["lr"])


class Masked(Plain):
    """Writes under masks, with indexing, ``where``, ``masked_fill`` and comparisons."""

    def update(self, p, g, state, group):
        old = state.setdefault("old", torch.zeros_like(p))
        size = torch.full_like(p, group["lr"])
        size[g * old < 0] = 0.5 * group["lr"]
        size[g * old > 0] *= 2.0
        step = torch.where(g.abs() > 1.0, g.sign(), g)
        p.sub_(size * step.masked_fill(p == 0, 0.0))
        old.copy_(g)


class CountsByHand(Plain):
    """Counts its steps in an int, and takes powers, roots and conversions of Python numbers."""

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        rate = float(group["lr"]) / math.sqrt(state["t"]) * (1 - 0.9 ** state["t"])
        p.data = p.data - rate * g


class TakesAnotherStepAtFirst(Plain):
    """Takes half of the rate in its first step."""

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        rate = group["lr"] / 2 if state["t"] == 1 else group["lr"]
        p.add_(g, alpha=-rate)


class Unseen(Plain):
    """Takes steps with momentum where no mode sees them, as a kernel of its own would."""

    def update(self, p, g, state, group):
        with torch._C.DisableTorchFunction():
            buffer = state.setdefault("buffer", torch.zeros_like(p))
            buffer.mul_(group["decay"]).add_(g)
            p.sub_(group["lr"] * buffer)


class TakesNorm(Plain):
    """Divides by the norm of the gradient."""

    def update(self, p, g, state, group):
        p.sub_(group["lr"] * g / g.norm())


class LosesNumbers(Plain):
    """Takes its rate from a string, in which no expression survives."""

    def update(self, p, g, state, group):
        p.sub_(eval(repr(group["lr"])) * g)


class WritesUnseen(Plain):
    """Writes through a buffer, which neither torch nor NumPy sees."""

    def update(self, p, g, state, group):
        values = memoryview(p.detach().numpy())
        for index, change in enumerate((group["lr"] * g).tolist()):
            values[index] -= change


class RestsWhereLarge(Plain):
    """Takes no step where a tensor has more than a hundred elements."""

    def update(self, p, g, state, group):
        if p.numel() <= 100:
            p.sub_(group["lr"] * g)


class ChangesAfterSomeCalls(Plain):
    """Doubles its rate after 30 calls, which it counts where nothing looks."""

    def update(self, p, g, state, group):
        p.sub_((2 if next(self.calls) > 30 else 1) * group["lr"] * g)


class WithScalars(torch.optim.Optimizer):
    """Keeps numbers: a rate that falls, as a float in a group, and a product, as a 0-d tensor."""

    def __init__(self, params, lr=1e-2, gamma=0.9):
        super().__init__(params, {"lr": lr, "gamma": gamma, "rate": 1.0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["rate"] = group["rate"] * group["gamma"]
            for p in group["params"]:
                if p.grad is not None:
                    product = self.state[p].setdefault("product", torch.ones(()))
                    product.mul_(group["gamma"])
                    p.sub_(group["lr"] * group["rate"] / (1 - product) * p.grad)


class NeedsTraining(Plain):
    """Refuses a step until ``train()`` was called, and holds the largest rate so far."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.training, self.largest = False, 0.0

    def train(self):
        self.training = True

    def update(self, p, g, state, group):
        if not self.training:
            raise RuntimeError("call train() first")
        self.largest = max(self.largest, group["lr"])
        p.sub_(self.largest * g)


class Powered(Plain):
    """Takes a power of the gradient, which is no hyper-parameter of any rule."""

    def __init__(self, params, lr=1e-2, power=1.0):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "power": power})

    def update(self, p, g, state, group):
        p.sub_(group["lr"] * g ** group["power"])


class Required:
    """The default of an argument without one, as torch's optimizers had it."""

    def __repr__(self):
        return "<required parameter>"


class Quasi(Plain):
    """Has required arguments whose names tell what they mean."""

    def __init__(self, params, lr=Required(), momentum=Required(), nu=Required()):  # noqa: B008
        if nu < 0:
            raise ValueError(nu)
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "momentum": momentum, "nu": nu})

    def update(self, p, g, state, group):
        nu = group["nu"]
        p.sub_(group["lr"] * ((1 - nu) * g + nu * group["momentum"] * g))


class NeedsClosure(Plain):
    """Evaluates the loss first, whoever calls it."""

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        super().step()
        return loss
