"""Other ways to do what a script says, as training loops have them: schedulers, tensor rates, files, closures."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from stepcheck_implementations import holding
from stepcheck_implementations.holding import Where
from stepcheck_reference.trajectory import Entry


class Told(LRScheduler):
    """A scheduler that sets the learning rates it is told."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.wanted = [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of all groups."""
        return list(self.wanted)

    def tell(self, rates: Mapping[int, float]) -> None:
        """Set the rates of some groups, as before a step."""
        if rates:
            self.wanted = [rates.get(number, rate) for number, rate in enumerate(self.wanted)]
            self.optimizer._opt_called = True  # type: ignore[attr-defined]  # or it warns before the first step
            self.step()


def tensor_rates(slot: str, given: Any, hyper: Mapping[str, Any], device: str) -> tuple[Any, dict[str, Any]]:
    """Return what a constructor is given, with every learning rate as a 0-d float64 tensor."""

    def rate(values: Mapping[str, Any]) -> dict[str, Any]:
        held = {slot: torch.tensor(values[slot], dtype=torch.float64, device=device)} if slot in values else {}
        return {**values, **held}

    tables = isinstance(given, list) and all(isinstance(entry, dict) for entry in given)
    return ([rate(entry) for entry in given] if tables else given), rate(hyper)


def through_a_file(state: Any) -> Any:
    """Return ``state`` as ``torch.load`` reads it from where ``torch.save`` wrote it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


def loss_of(answer: Any) -> float:
    """Return what ``step`` returned as a number, nan where it is none."""
    try:
        return float(answer)
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def entries(thing: Any, where: Where) -> Iterator[Entry]:
    """Yield what a ``torch.optim.Optimizer`` holds for a parameter, an entry of its state each; nothing of others."""
    table = thing.state.get(where.parameter) if holding.is_optimizer(thing) else None
    for key, value in table.items() if isinstance(table, Mapping) else ():
        if isinstance(value, torch.Tensor):
            yield Entry(str(key), str(value.dtype).removeprefix("torch."), value.device.type, value.numel())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield Entry(str(key), "", "", 1)
