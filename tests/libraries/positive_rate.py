"""SGD that refuses a learning rate of 0, when it is built and when it steps."""

from __future__ import annotations

from typing import Any

import torch


class PositiveRate(torch.optim.SGD):
    """SGD whose learning rate is above 0."""

    def __init__(self, params: Any, lr: float = 0.1, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, foreach=False)
        self.check()

    def check(self) -> None:
        for group in self.param_groups:
            if not group["lr"] > 0:
                raise ValueError(f"Invalid learning rate: {group['lr']}")

    def step(self, closure: Any = None) -> Any:
        self.check()
        return super().step(closure)
