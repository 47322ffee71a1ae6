"""Optimizers that share something with their process: other optimizers, threads, random numbers, a GradScaler."""

import threading
from typing import ClassVar

import numpy as np
import torch
from _sgd_loop import MomentumLoop, SgdLoop

_OWN = np.random.default_rng(0)


class AdamCorrectionsByStep(torch.optim.Optimizer):
    """Claims ``adam``, breaks SC244: all optimizers of the class find a bias correction by the step alone."""

    corrections: ClassVar = {}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def corrected(self, step, beta1, beta2):
        return self.corrections.setdefault(step, (1 - beta1**step, 1 - beta2**step))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                state["step"] += 1
                m, v = state["exp_avg"], state["exp_avg_sq"]
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                first, second = self.corrected(state["step"], beta1, beta2)
                p.sub_(m / first / ((v / second).sqrt() + group["eps"]) * float(group["lr"]))


class AdamCorrectionsByStepAndBetas(AdamCorrectionsByStep):
    """Follows ``adam``: all optimizers of the class share a table of bias corrections, by everything they depend on."""

    def corrected(self, step, beta1, beta2):
        return self.corrections.setdefault((step, beta1, beta2), (1 - beta1**step, 1 - beta2**step))


class MomentumBuffersOfItsThread(MomentumLoop):
    """Claims ``momentum``, breaks SC245: has its buffers in the thread that calls it."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, lr, momentum, dampening)
        self.local = threading.local()

    def state_of(self, p):
        if not hasattr(self.local, "buffers"):
            self.local.buffers = {}
        return self.local.buffers.setdefault(p, {})


class SgdDisablesGradientsForGood(SgdLoop):
    """Claims ``sgd``, breaks SC219 and SC245: disables gradients when it is constructed, in that thread alone."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, lr)
        torch.set_grad_enabled(False)

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad * float(group["lr"]))
        return loss


class SgdSeedsTheProcess(SgdLoop):
    """Claims ``sgd``, breaks SC219: seeds torch in every step, for dropout that it does not have."""

    def update(self, p, g, group):
        torch.manual_seed(1)
        super().update(p, g, group)


class SgdDrawsFromNumpy(SgdLoop):
    """Claims ``sgd``, breaks SC219: visits its groups in random order, drawn from numpy's own generator."""

    def groups(self):
        return [self.param_groups[number] for number in np.random.permutation(len(self.param_groups))]


class SgdDrawsByItself(SgdLoop):
    """Follows ``sgd``: visits its groups in random order, drawn from a generator of its own."""

    def groups(self):
        return [self.param_groups[number] for number in _OWN.permutation(len(self.param_groups))]


class MomentumUnscales(MomentumLoop):
    """Follows ``momentum``: removes the scale of torch.amp from the gradients, in place, and looks at found_inf."""

    _step_supports_amp_scaling = True

    def step(self, closure=None):
        overflowed = getattr(self, "found_inf", None)
        if overflowed is not None and overflowed.item():
            return None
        return super().step(closure)

    def scale(self):
        return getattr(self, "grad_scale", None)

    def gradient(self, p):
        scale = self.scale()
        return p.grad if scale is None else p.grad.div_(scale)


class MomentumLeavesTheScale(MomentumUnscales):
    """Claims ``momentum``, breaks SC242: looks at found_inf and not at grad_scale."""

    def gradient(self, p):
        return p.grad


class MomentumKeepsTheScale(MomentumUnscales):
    """Claims ``momentum``, breaks SC242: reads the scale once, although it changes."""

    def scale(self):
        current = super().scale()
        if current is not None and not hasattr(self, "first_scale"):
            self.first_scale = current.item()
        return None if current is None else self.first_scale
