"""Invocation variants that only a worker has: tensor learning rates and pickles; and what is read of each."""

from __future__ import annotations

import io
import itertools
import math
import pickle
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch

from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.observing.state_access import TensorLocation
from stepcheck_reference.scripts.script import SPOILED
from stepcheck_reference.scripts.trajectory import Entry

TENSOR_RATES = ("tensor_lr", "one_element_lr", "viewed_lr")
"""The invocation variants in which a learning rate is a tensor."""


def tensor_rates(
    kind: str, argument: str, parameters: Any, hyper: Mapping[str, Any], device: str
) -> tuple[Any, dict[str, Any]]:
    """Return a constructor's ``parameters`` and ``hyper`` with every learning rate as a float64 tensor of ``kind``."""

    def tensor(value: float) -> torch.Tensor:
        if kind == "viewed_lr":
            return torch.tensor([SPOILED, value, SPOILED], dtype=torch.float64, device=device)[1]
        values = [value] if kind == "one_element_lr" else value
        return torch.tensor(values, dtype=torch.float64, device=device)

    def rate(values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, **({argument: tensor(values[argument])} if argument in values else {})}

    groups = isinstance(parameters, list) and all(isinstance(entry, dict) for entry in parameters)
    return ([rate(entry) for entry in parameters] if groups else parameters), rate(hyper)


def given(groups: list[dict[str, Any]], invocation: Collection[str]) -> Any:
    """Return a constructor's first argument: ``groups``, or their parameters in the form that ``invocation`` names.

    A single group is given by its parameters alone, in that form; of several, the groups are in it, and so are the
    parameters of each.
    """
    form = next((name for name in FORMS if name in invocation), "")
    if not form:
        return groups
    if form == "named_parameters":
        numbers = itertools.count()
        groups = [{**group, "params": [(f"p{next(numbers)}", p) for p in group["params"]]} for group in groups]
    make = FORMS[form]
    if len(groups) == 1:
        return make(groups[0]["params"])
    return make([{**group, "params": make(group["params"])} for group in groups])


FORMS: Mapping[str, Callable[[list[Any]], Any]] = {
    "parameter_list": list,
    "parameter_tuple": tuple,
    "parameter_generator": lambda entries: (entry for entry in entries),
    "named_parameters": list,
}
"""The invocation variants that give parameters in another form, and what makes it of a list."""


def through_a_pickle(things: Any, classes: Sequence[object]) -> Any:
    """Return ``things`` pickled and unpickled; ``classes`` are pickled as their index, wherever they were defined.

    So an object passes whose class ``pickle`` cannot import, because it was defined in a notebook or a function.
    """
    file = io.BytesIO()
    _Pickler(file, classes).dump(things)
    file.seek(0)
    return _Unpickler(file, classes).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, classes: Sequence[object]) -> None:
        super().__init__(file)
        self.classes = classes

    def persistent_id(self, optimizer: Any) -> int | None:
        return next((index for index, kind in enumerate(self.classes) if optimizer is kind), None)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, classes: Sequence[object]) -> None:
        super().__init__(file)
        self.classes = classes

    def persistent_load(self, index: Any) -> Any:
        return self.classes[index]


def loss_of(answer: Any) -> float:
    """Return ``answer``, which ``step`` returned, as a number; nan where it is none."""
    try:
        return float(answer)
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def entries(optimizer: Any, location: TensorLocation) -> Iterator[Entry]:
    """Yield the entries of a ``torch.optim.Optimizer``'s state for a parameter; none for other objects."""
    table = state_access.state_of(optimizer, location.parameter) if state_access.is_optimizer(optimizer) else None
    for key, value in table.items() if isinstance(table, Mapping) else ():
        if isinstance(value, torch.Tensor):
            dtype = str(value.dtype).removeprefix("torch.")
            yield Entry(str(key), dtype, value.device.type, value.numel(), tuple(value.shape))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield Entry(str(key), "", "", 1)
