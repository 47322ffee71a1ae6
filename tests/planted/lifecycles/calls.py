"""Optimizers that are called in an ordinary way and do something else with what they are given."""

import torch
from _sgd_loop import MomentumLoop, SgdLoop


class SgdReadsParametersTwice(SgdLoop):
    """Claims ``sgd``, breaks SC247: counts its parameters before it hands them on, which empties a generator."""

    def __init__(self, params, lr=1e-3):
        self.count_of_parameters = sum(1 for _ in params)
        super().__init__(params, lr)


class SgdTakesATupleForAParameter(SgdLoop):
    """Claims ``sgd``, breaks SC247: reads a tuple of parameters as a parameter with its options."""

    def __init__(self, params, lr=1e-3):
        super().__init__([params[0]] if isinstance(params, tuple) else params, lr)


class SgdResetsGradients(SgdLoop):
    """Claims ``sgd``, breaks SC203: sets gradients to None once it has used them."""

    def update(self, p, g, group):
        super().update(p, g, group)
        p.grad = None


class SgdZeroesGradients(SgdLoop):
    """Claims ``sgd``, breaks SC203: sets gradients to zero once it has used them."""

    def update(self, p, g, group):
        super().update(p, g, group)
        p.grad.zero_()


class SgdReplacesGradients(SgdLoop):
    """Claims ``sgd``, breaks SC203: assigns a contiguous copy to p.grad, so that whoever refers to it loses it."""

    def update(self, p, g, group):
        super().update(p, g, group)
        p.grad = g.clone()


class SgdResetsItsFirstGroup(SgdLoop):
    """Claims ``sgd``, breaks SC246: resets the gradients of its first group alone."""

    def zero_grad(self, set_to_none=True):
        for p in self.param_groups[0]["params"]:
            p.grad = None


class SgdResetsElsewhere(SgdLoop):
    """Claims ``sgd``, breaks SC246: resets gradients to zeros in new memory."""

    def zero_grad(self, set_to_none=True):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad = None if set_to_none else torch.zeros_like(p.grad)


class MomentumForgetsInZeroGrad(MomentumLoop):
    """Claims ``momentum``, breaks SC246: drops its buffers together with the gradients."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none)
        self.state.clear()


class SgdResetsWithoutArgument(SgdLoop):
    """Follows ``sgd``: its zero_grad takes no argument and sets gradients to zero, as torch's once did."""

    def zero_grad(self):
        super().zero_grad(set_to_none=False)


class SgdCallsItsLastClosure(SgdLoop):
    """Claims ``sgd``, breaks SC233: calls the closure that it was given last also where it is given none."""

    def step(self, closure=None):
        self.closure = getattr(self, "closure", None) if closure is None else closure
        return super().step(self.closure)
