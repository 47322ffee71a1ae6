"""Rounding: the formats in which what code computes is held, where the format of its parameters is another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from stepcheck_implementations.reader.carried_numbers import carried, entry_of
from stepcheck_implementations.reader.tensor_entries import TensorEntries
from stepcheck_reference.formats import FORMATS

_MADE_OF_NUMBERS = frozenset(
    {"tensor", "as_tensor", "scalar_tensor", "full", "full_like", "new_full", "new_tensor", "fill", "constant"}
)
"""Functions that make a tensor of Python's numbers, which are binary64."""


def alpha(known: TensorEntries, value: Any, x: Any) -> int:
    """Return the entry of the ``alpha`` of an addition to ``x``, which a narrow tensor takes in its own format.

    Source: aten/src/ATen/native/cpu/BinaryOpsKernel.cpp, add_clamp and binary_kernel_reduced_floating_point_vec.
    """
    entry = known.of(value)
    form = _format(x)
    return known.graph.rounded(entry, form) if form in ("float16", "bfloat16") else entry


def operands(known: TensorEntries, values: Sequence[Any]) -> list[Any]:
    """Return the operands of a call; a number among tensors without dimensions is taken in their format.

    Source: aten/src/ATen/native/Pow.cpp and TensorIterator.h, where a scalar is wrapped into a tensor.
    """
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    formats = [FORMATS[form] for form in map(_format, tensors) if form]
    if not formats or any(tensor.dim() for tensor in tensors):
        return list(values)
    form = max(formats, key=lambda form: form.precision).name
    graph = known.graph
    return [
        carried(value, graph, graph.rounded(entry_of(value, graph), form))
        if isinstance(value, float) and form != "float64"
        else value
        for value in values
    ]


def rounded(known: TensorEntries, entry: int, name: str, result: Any, operands: Sequence[Any]) -> int:
    """Return ``entry`` rounded to the format of ``result`` where that is narrower than what it is made of.

    An elementwise operation rounds to the format of its tensors, which is that of the parameters; one number is in a
    format of its own, which a tensor without dimensions has. What is converted to a narrower format is rounded to it.
    """
    form, wide = _format(result), FORMATS["float64"].precision
    if not form or FORMATS[form].precision >= wide:
        return entry
    tensors = [value for value in operands if isinstance(value, torch.Tensor) and (value.dim() or not result.dim())]
    widths = [FORMATS[kind].precision for kind in map(_format, tensors) if kind]
    of_numbers = name in _MADE_OF_NUMBERS and not any(isinstance(value, torch.Tensor) for value in operands[1:])
    given = wide if of_numbers else max(widths, default=wide)
    return known.graph.rounded(entry, form) if not result.dim() or given > FORMATS[form].precision else entry


def _format(value: Any) -> str:
    """Return the number format of a real tensor's elements, "" where they are no real numbers."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return ""
    name = str(value.dtype).removeprefix("torch.")
    return name if name in FORMATS else ""
