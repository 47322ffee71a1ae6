"""Optimizers as one writes them after reading about them: some follow the rule that they are named after, some do not.

Every docstring says which rule the code follows, if any, and which one it is taken for and does not follow. Try:

    python -m stepcheck certify examples/handwritten.py:Adam --as adam
    python -m stepcheck certify examples/handwritten.py:AdamEpsInside --as adam
    python -m stepcheck certify examples/handwritten.py:AdamEpsInside --as adam_eps_inside
    python -m stepcheck certify examples/handwritten.py:RMSprop --as rmsprop
    python -m stepcheck certify examples/handwritten.py:AMSGrad --as amsgrad_paper
    python -m stepcheck certify examples/handwritten.py:AdamWFromABlog --as adam_l2
    python -m stepcheck certify examples/handwritten.py:MomentumAsAverage --as momentum_ema
    python -m stepcheck certify examples/handwritten.py:adam_step --as adam
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

State = dict[str, Any]
Group = dict[str, Any]


class _Optimizer(torch.optim.Optimizer):
    """The loop that all share; a class below is its buffers, its hyper-parameters and one ``move``."""

    buffers: tuple[str, ...] = ()

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    for name in self.buffers:
                        state[name] = torch.zeros_like(p)
                state["step"] += 1
                self.move(p, p.grad, state, group)

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter."""
        raise NotImplementedError


# Momentum, as a sum and as what it is often said to be.


class Momentum(_Optimizer):
    """Heavy-ball momentum, the buffer a decaying sum of gradients; follows ``momentum``."""

    buffers = ("momentum_buffer",)

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its buffer."""
        self.gather(state["momentum_buffer"], g, group["momentum"])
        p -= group["lr"] * state["momentum_buffer"]

    def gather(self, buffer: torch.Tensor, g: torch.Tensor, momentum: float) -> None:
        """Update the buffer with ``g``."""
        buffer.mul_(momentum).add_(g)


class MomentumAsAverage(Momentum):
    """Momentum explained as a moving average, and written as one; follows ``momentum_ema``, not ``momentum``."""

    def gather(self, buffer: torch.Tensor, g: torch.Tensor, momentum: float) -> None:
        """Update the buffer with ``g``, weighted as in an average."""
        buffer.mul_(momentum).add_((1 - momentum) * g)


class MomentumWithLrInside(_Optimizer):
    """Momentum whose buffer holds the learning rate; follows ``momentum_lr_inside``, not ``momentum``.

    The two differ where the learning rate changes.
    """

    buffers = ("velocity",)

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter by its velocity."""
        state["velocity"].mul_(group["momentum"]).add_(group["lr"] * g)
        p -= state["velocity"]


class Nesterov(Momentum):
    """Nesterov momentum rewritten for the gradient at the parameter; follows ``nesterov``, not ``momentum``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along the gradient and the buffer ahead of it."""
        self.gather(state["momentum_buffer"], g, group["momentum"])
        p -= group["lr"] * (g + group["momentum"] * state["momentum_buffer"])


class NesterovLookahead(_Optimizer):
    """Nesterov momentum as it is drawn: look ahead, take the gradient there; follows ``nesterov_lookahead``."""

    buffers = ("momentum_buffer",)

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure: Callable[[], float]) -> None:  # type: ignore[override]
        """Move every parameter; ``closure`` computes gradients at the current parameters."""
        moved = [(group, p, p.detach().clone()) for group in self.param_groups for p in group["params"]]
        with torch.no_grad():
            for group, p, _ in moved:
                buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                p -= group["lr"] * group["momentum"] * buffer
        with torch.enable_grad():
            closure()
        with torch.no_grad():
            for group, p, start in moved:
                p.copy_(start)
                if p.grad is not None:
                    buffer = self.state[p]["momentum_buffer"].mul_(group["momentum"]).add_(p.grad)
                    p -= group["lr"] * buffer


# A step size for each element, from the squares of its gradients.


class AdaGrad(_Optimizer):
    """AdaGrad under the formula g/(sqrt(h) + eps), in code (h + eps)**0.5.

    Follows ``adagrad_eps_inside``, not ``adagrad``.
    """

    buffers = ("h",)

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, eps: float = 1e-6) -> None:
        super().__init__(params, {"lr": lr, "eps": eps})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its scaled gradient."""
        state["h"] += g**2
        p -= group["lr"] * g / (state["h"] + group["eps"]) ** 0.5


class RMSprop(_Optimizer):
    """RMSprop with eps under the root, as course notes have it; follows ``rmsprop_eps_inside``, not ``rmsprop``."""

    buffers = ("v",)

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, gamma: float = 0.9, eps: float = 1e-6) -> None:
        super().__init__(params, {"lr": lr, "gamma": gamma, "eps": eps})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its scaled gradient."""
        gamma = group["gamma"]
        state["v"].mul_(gamma).add_((1 - gamma) * g**2)
        p -= group["lr"] * g / torch.sqrt(state["v"] + group["eps"])


class Adadelta(_Optimizer):
    """ADADELTA without a learning rate, as in its paper; follows ``adadelta``."""

    buffers = ("v", "delta")

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1.0, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter by the ratio of two averages' roots times its gradient."""
        rho, eps = group["rho"], group["eps"]
        state["v"].mul_(rho).add_((1 - rho) * g**2)
        update = torch.sqrt(state["delta"] + eps) / torch.sqrt(state["v"] + eps) * g
        state["delta"].mul_(rho).add_((1 - rho) * update**2)
        p -= group["lr"] * update


class Rprop(_Optimizer):
    """What a survey calls Rprop: a step against the sign, of one size for all; follows ``sign_sgd``, not ``rprop``."""

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2) -> None:
        super().__init__(params, {"lr": lr})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter against its gradient's sign."""
        p -= group["lr"] * torch.sign(g)


# Adam and its relatives.


class Adam(_Optimizer):
    """Adam, Algorithm 1 line by line; follows ``adam``."""

    buffers = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along the corrected moments of its gradients."""
        m_hat, v_hat = self.moments(g, state, group)
        p -= group["lr"] * m_hat / (v_hat.sqrt() + group["eps"])

    def moments(self, g: torch.Tensor, state: State, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        """Update both averages with ``g`` and return them with their bias corrected."""
        beta1, beta2 = group["betas"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        m.mul_(beta1).add_((1 - beta1) * g)
        v.mul_(beta2).add_((1 - beta2) * g**2)
        return m / (1 - beta1**t), v / (1 - beta2**t)


class AdamEpsInside(Adam):
    """Adam with eps moved under the root, where it looks harmless; follows ``adam_eps_inside``, not ``adam``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter, eps under the root."""
        m_hat, v_hat = self.moments(g, state, group)
        p -= group["lr"] * m_hat / (v_hat + group["eps"]).sqrt()


class AdamWithoutCorrection(Adam):
    """Adam without bias correction; follows ``adam+no_bias_correction``, not ``adam``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along the raw moments."""
        self.moments(g, state, group)
        p -= group["lr"] * state["exp_avg"] / (state["exp_avg_sq"].sqrt() + group["eps"])


class AdamOffByOne(Adam):
    """Adam with corrections for the step before, as notes print them: 0/0 at first; follows no rule, not ``adam``."""

    def moments(self, g: torch.Tensor, state: State, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        """Update both averages with ``g`` and return them with the corrections of the step before."""
        beta1, beta2 = group["betas"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        m.mul_(beta1).add_((1 - beta1) * g)
        v.mul_(beta2).add_((1 - beta2) * g**2)
        return m / (1 - beta1 ** (t - 1)), v / (1 - beta2 ** (t - 1))


class AMSGrad(Adam):
    """AMSGrad that computes m_hat and then uses m; follows ``amsgrad_paper``, not ``amsgrad``."""

    buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its first moment over the root of the largest second one."""
        self.moments(g, state, group)
        largest = torch.maximum(state["max_exp_avg_sq"], state["exp_avg_sq"])
        state["max_exp_avg_sq"] = largest
        p -= group["lr"] * state["exp_avg"] / (largest.sqrt() + group["eps"])


class AdamW(Adam):
    """Adam with decoupled weight decay; follows ``adamw``."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        _Optimizer.__init__(self, params, defaults)

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Shrink one parameter, then move it."""
        p *= 1 - group["lr"] * group["weight_decay"]
        super().move(p, g, state, group)


class AdamWFromABlog(AdamW):
    """What many posts call decoupled decay, though it is in the gradient; follows ``adam_l2``, not ``adamw``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Add the decay to the gradient and move one parameter."""
        Adam.move(self, p, g + group["weight_decay"] * p, state, group)


class AdamWFromANotebook(AdamW):
    """AdamW that computes m_hat and then uses m, with eps under the root.

    Follows ``adam+no_first_correction+eps_inside+decoupled_decay``, not ``adamw``.
    """

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Shrink one parameter, then move it along its raw first moment."""
        _, v_hat = self.moments(g, state, group)
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * state["exp_avg"] / torch.sqrt(v_hat + group["eps"])


class NAdam(Adam):
    """Nadam as an overview prints it, one correction for both; follows ``nadam_ruder``, not ``nadam_fixed_beta``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its first moment, looking one step ahead."""
        beta1, _ = group["betas"]
        m_hat, v_hat = self.moments(g, state, group)
        ahead = beta1 * m_hat + (1 - beta1) * g / (1 - beta1 ** state["step"])
        p -= group["lr"] * ahead / (v_hat.sqrt() + group["eps"])


class NAdamOffByOne(Adam):
    """Nadam with v corrected for the step before, as a note prints it; follows no rule, not ``nadam_fixed_beta``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its first moment and its gradient, over a v that is 0/0 at first."""
        (beta1, beta2), t = group["betas"], state["step"]
        m_hat, _ = self.moments(g, state, group)
        v_hat = state["exp_avg_sq"] / (1 - beta2 ** (t - 1))
        p -= group["lr"] * (beta1 * m_hat + (1 - beta1) * g / (1 - beta1**t)) / (v_hat.sqrt() + group["eps"])


class Adamax(_Optimizer):
    """AdaMax with eps added to the largest gradient, as Keras has it; follows ``adamax_keras``, not ``adamax``."""

    buffers = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Move one parameter along its first moment over its largest gradient."""
        beta1, beta2 = group["betas"]
        state["exp_avg"].mul_(beta1).add_((1 - beta1) * g)
        state["exp_inf"] = torch.maximum(beta2 * state["exp_inf"], g.abs())
        rate = group["lr"] / (1 - beta1 ** state["step"])
        p -= rate * state["exp_avg"] / (state["exp_inf"] + group["eps"])


class Lion(_Optimizer):
    """Lion, with the decay applied before the step; follows ``lion``."""

    buffers = ("exp_avg",)

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def move(self, p: torch.Tensor, g: torch.Tensor, state: State, group: Group) -> None:
        """Shrink one parameter, then move it by the sign of a short average."""
        beta1, beta2 = group["betas"]
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * torch.sign(beta1 * state["exp_avg"] + (1 - beta1) * g)
        state["exp_avg"].mul_(beta2).add_((1 - beta2) * g)


# Update functions, as teaching notes have them.


def adam_step(
    p: torch.Tensor,
    g: torch.Tensor,
    m: torch.Tensor,
    v: torch.Tensor,
    t: int,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Adam as a function of everything it needs; follows ``adam``, not ``adam_eps_hat``."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return p - lr * m_hat / (torch.sqrt(v_hat) + eps), m, v


def momentum_step(p: torch.Tensor, b: torch.Tensor, lr: float = 0.1, momentum: float = 0.9) -> None:
    """Heavy-ball momentum in place, the gradient read from ``p.grad``; follows ``momentum``, not ``nesterov``."""
    assert p.grad is not None
    with torch.no_grad():
        b.mul_(momentum).add_(p.grad)
        p.sub_(lr * b)
