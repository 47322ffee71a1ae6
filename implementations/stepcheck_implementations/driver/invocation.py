"""Other ways to do what a script says, as training loops have them: schedulers, tensor rates, files, closures."""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from stepcheck_implementations.driver import state_access
from stepcheck_implementations.driver.state_access import TensorLocation
from stepcheck_reference.scripts.script import SPOILED
from stepcheck_reference.scripts.trajectory import Entry

TENSOR_RATES = ("tensor_lr", "one_element_lr", "viewed_lr")
"""The manners in which a learning rate is a tensor."""


def tensor_rates(kind: str, slot: str, given: Any, hyper: Mapping[str, Any], device: str) -> tuple[Any, dict[str, Any]]:
    """Return what a constructor is given, with every learning rate as a float64 tensor of ``kind``."""

    def tensor(value: float) -> torch.Tensor:
        if kind == "viewed_lr":
            return torch.tensor([SPOILED, value, SPOILED], dtype=torch.float64, device=device)[1]
        values = [value] if kind == "one_element_lr" else value
        return torch.tensor(values, dtype=torch.float64, device=device)

    def rate(values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, **({slot: tensor(values[slot])} if slot in values else {})}

    tables = isinstance(given, list) and all(isinstance(entry, dict) for entry in given)
    return ([rate(entry) for entry in given] if tables else given), rate(hyper)


def through_a_pickle(things: Any, classes: Sequence[object]) -> Any:
    """Return what ``things`` are once pickled and unpickled; ``classes`` go by their place, wherever they were defined.

    So a class that ``pickle`` could not import, as one of a notebook, is not held against its objects.
    """
    file = io.BytesIO()
    _Pickler(file, classes).dump(things)
    file.seek(0)
    return _Unpickler(file, classes).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, classes: Sequence[object]) -> None:
        super().__init__(file)
        self.classes = classes

    def persistent_id(self, thing: Any) -> int | None:
        return next((place for place, known in enumerate(self.classes) if thing is known), None)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, classes: Sequence[object]) -> None:
        super().__init__(file)
        self.classes = classes

    def persistent_load(self, place: Any) -> Any:
        return self.classes[place]


def loss_of(answer: Any) -> float:
    """Return what ``step`` returned as a number, nan where it is none."""
    try:
        return float(answer)
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def entries(thing: Any, where: TensorLocation) -> Iterator[Entry]:
    """Yield what a ``torch.optim.Optimizer`` holds for a parameter, an entry of its state each; nothing of others."""
    table = state_access.table_of(thing, where.parameter) if state_access.is_optimizer(thing) else None
    for key, value in table.items() if isinstance(table, Mapping) else ():
        if isinstance(value, torch.Tensor):
            dtype = str(value.dtype).removeprefix("torch.")
            yield Entry(str(key), dtype, value.device.type, value.numel(), tuple(value.shape))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield Entry(str(key), "", "", 1)
