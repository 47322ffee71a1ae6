"""Optimizers as one writes them after reading a blog post: some keep the rule they are named after, some do not.

Each of these says which:

    python -m stepcheck certify examples/handwritten.py:Adam --as adam
    python -m stepcheck certify examples/handwritten.py:AdamEpsInside --as adam
    python -m stepcheck certify examples/handwritten.py:AdamEpsInside --as adam_eps_inside
    python -m stepcheck certify examples/handwritten.py:AdamW --as adamw
    python -m stepcheck certify examples/handwritten.py:AdamWFromABlog --as adamw
    python -m stepcheck certify examples/handwritten.py:AdamWFromABlog --as adam_l2
    python -m stepcheck certify examples/handwritten.py:Momentum --as momentum
    python -m stepcheck certify examples/handwritten.py:MomentumAsAverage --as momentum
    python -m stepcheck certify examples/handwritten.py:MomentumAsAverage --as momentum_ema
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch


class Adam(torch.optim.Optimizer):
    """Adam, Algorithm 1 line by line; keeps ``adam``."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
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
                self.move(p, p.grad, state, group)

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Move one parameter along the corrected moments of its gradients."""
        m_hat, v_hat = self.moments(g, state, group)
        p -= group["lr"] * m_hat / (v_hat.sqrt() + group["eps"])

    def moments(
        self, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Let ``g`` into both averages and return them with their bias corrected."""
        beta1, beta2 = group["betas"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        m.mul_(beta1).add_((1 - beta1) * g)
        v.mul_(beta2).add_((1 - beta2) * g**2)
        return m / (1 - beta1**t), v / (1 - beta2**t)


class AdamEpsInside(Adam):
    """Adam with eps moved under the root, where it looks harmless; keeps ``adam_eps_inside``, not ``adam``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Move one parameter, eps under the root."""
        m_hat, v_hat = self.moments(g, state, group)
        p -= group["lr"] * m_hat / (v_hat + group["eps"]).sqrt()


class AdamWithoutCorrection(Adam):
    """Adam whose author found bias correction unnecessary; keeps ``adam+no_bias_correction``, not ``adam``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Move one parameter along the raw moments."""
        self.moments(g, state, group)
        p -= group["lr"] * state["exp_avg"] / (state["exp_avg_sq"].sqrt() + group["eps"])


class AdamW(Adam):
    """Adam with decoupled weight decay; keeps ``adamw``."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps)
        for group in self.param_groups:
            group.setdefault("weight_decay", weight_decay)

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Shrink one parameter, then move it."""
        p *= 1 - group["lr"] * group["weight_decay"]
        super().move(p, g, state, group)


class AdamWFromABlog(AdamW):
    """What many posts call decoupled decay: it is in the gradient; keeps ``adam_l2``, not ``adamw``."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Add the decay to the gradient and move one parameter."""
        Adam.move(self, p, g + group["weight_decay"] * p, state, group)


class Momentum(torch.optim.Optimizer):
    """Heavy-ball momentum, the buffer a decaying sum of gradients; keeps ``momentum``."""

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(p)
                self.gather(state["momentum_buffer"], p.grad, group["momentum"])
                p -= group["lr"] * state["momentum_buffer"]

    def gather(self, buffer: torch.Tensor, g: torch.Tensor, momentum: float) -> None:
        """Let ``g`` into the buffer."""
        buffer.mul_(momentum).add_(g)


class MomentumAsAverage(Momentum):
    """Momentum explained as a moving average, and written as one; keeps ``momentum_ema``, not ``momentum``."""

    def gather(self, buffer: torch.Tensor, g: torch.Tensor, momentum: float) -> None:
        """Let ``g`` into the buffer with the weight of an average."""
        buffer.mul_(momentum).add_((1 - momentum) * g)
