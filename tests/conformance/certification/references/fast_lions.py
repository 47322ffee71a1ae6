"""Lion, written fast: one that is right in another way, and wrong ones, each named after its error."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class RightInAnotherWay(torch.optim.Optimizer):
    """Parts in another order, the momentum as a combination in place, arguments and state under names of their own."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        rate: float = 1e-4,
        short: float = 0.9,
        long: float = 0.99,
        shrink: float = 0.0,
    ) -> None:
        super().__init__(params, {"rate": rate, "short": short, "long": long, "shrink": shrink})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, p.grad, self.state[p], group)

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, float]) -> None:
        memory = state.setdefault("memory", torch.zeros_like(p))
        direction = memory.mul(group["short"]).add_(g, alpha=1 - group["short"]).sign_()
        p.mul_(1 - group["rate"] * group["shrink"]).add_(direction, alpha=-group["rate"])
        memory.mul_(group["long"]).add_(g, alpha=1 - group["long"])


class DecaysAfterTheStep(RightInAnotherWay):
    """The parameter that has moved is what shrinks."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, float]) -> None:
        memory = state.setdefault("memory", torch.zeros_like(p))
        direction = memory.mul(group["short"]).add_(g, alpha=1 - group["short"]).sign_()
        p.add_(direction, alpha=-group["rate"]).mul_(1 - group["rate"] * group["shrink"])
        memory.mul_(group["long"]).add_(g, alpha=1 - group["long"])


class RoundsAWeight(RightInAnotherWay):
    """The weight of the long average is rounded to float32, which shows in float64 alone."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, float]) -> None:
        memory = state.setdefault("memory", torch.zeros_like(p))
        direction = memory.mul(group["short"]).add_(g, alpha=1 - group["short"]).sign_()
        p.mul_(1 - group["rate"] * group["shrink"]).add_(direction, alpha=-group["rate"])
        long = torch.tensor(group["long"], dtype=torch.float32).item()
        memory.mul_(long).add_(g, alpha=1 - long)


class SignOfTheNewMomentum(RightInAnotherWay):
    """The average is updated first, so that the direction has the gradient twice."""

    def move(self, p: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, float]) -> None:
        memory = state.setdefault("memory", torch.zeros_like(p))
        memory.mul_(group["long"]).add_(g, alpha=1 - group["long"])
        direction = memory.mul(group["short"]).add_(g, alpha=1 - group["short"]).sign_()
        p.mul_(1 - group["rate"] * group["shrink"]).add_(direction, alpha=-group["rate"])
