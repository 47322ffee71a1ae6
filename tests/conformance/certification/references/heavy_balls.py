"""Momentum with options, plainly and fast: a reference, its equal, and one that is wrong with two options at once."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Plain(torch.optim.Optimizer):
    """Momentum line by line, with a path of its own where a number is 0."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 0.1,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                if group["weight_decay"] != 0:
                    g = g + group["weight_decay"] * p
                if group["momentum"] != 0:
                    state = self.state[p]
                    state["buf"] = group["momentum"] * state["buf"] + g if "buf" in state else g.clone()
                    g = state["buf"]
                p -= group["lr"] * g


class Fast(Plain):
    """The same in place, with a buffer of zeros at first."""

    def gradient(self, p: torch.Tensor, decay: float, sign: float) -> torch.Tensor:
        assert p.grad is not None
        return p.grad.mul(sign).add_(p, alpha=decay)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = self.gradient(p, group["weight_decay"], -1.0 if group["maximize"] else 1.0)
                if group["momentum"] != 0:
                    g = self.state[p].setdefault("buf", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
                p.sub_(g, alpha=group["lr"])


class NegatesTheDecay(Fast):
    """With maximize, the decay is negated as well."""

    def gradient(self, p: torch.Tensor, decay: float, sign: float) -> torch.Tensor:
        assert p.grad is not None
        return p.grad.add(p, alpha=decay).mul_(sign)


class ChangesAfterSomeCalls(Plain):
    """No reference: it counts its calls where a reader does not see it, and doubles its rate."""

    calls = iter(range(10**9))

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        often = next(self.calls) > 30
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * (2 if often else 1) * p.grad)


class DividesByANorm(Plain):
    """No reference: its step is no function of one element."""

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * p.grad / (p.grad.norm() + 1e-8))
