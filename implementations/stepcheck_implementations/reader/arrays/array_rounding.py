"""Array rounding: which numbers NumPy rounds to a narrower format, on the way into an operation or out of it.

Source: NEP 50 (https://numpy.org/neps/nep-0050-scalar-promotion.html): a Python number takes the format of the array
that it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stepcheck_implementations.reader.carried_numbers import carried, entry_of
from stepcheck_implementations.reader.tensor_entries import TensorEntries
from stepcheck_reference.formats import FORMATS


def operands(known: TensorEntries, values: Sequence[Any]) -> list[Any]:
    """Return the operands of an elementwise call, Python's numbers in the format of the arrays and scalars."""
    form = _common(values)
    if form != "float16":  # wider formats hold a Python number as an operation on tensors does
        return list(values)
    graph = known.graph
    return [
        carried(value, graph, graph.rounded(entry_of(value, graph), form))
        if isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic))
        else value
        for value in values
    ]


def written(known: TensorEntries, entry: int, target: Any, values: Sequence[Any]) -> int:
    """Return ``entry``, made of ``values``, as it is in ``target``, which may have a narrower format."""
    form, given = _format(target), _common(values)
    if not form or not given or FORMATS[given].precision <= FORMATS[form].precision:
        return entry
    return known.graph.rounded(entry, form)


def _common(values: Sequence[Any]) -> str:
    """Return the widest format among arrays and scalars of NumPy, "" where there is none."""
    forms = [form for form in map(_format, values) if form]
    return max(forms, key=lambda form: FORMATS[form].precision, default="")


def _format(value: Any) -> str:
    name = str(value.dtype) if isinstance(value, (np.ndarray, np.generic)) else ""
    return name if name in FORMATS else ""
