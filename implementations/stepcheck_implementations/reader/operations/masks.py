"""Masks: elements that a boolean tensor picks, read as a choice in every element.

``x[mask]`` is shorter than x; its elements are expressions of x's, under an entry "picked" that has the mask. Written
back where the same mask is true, they are what they were computed from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.tensor_entries import TensorEntries


def is_mask(index: Any) -> bool:
    """Whether ``index`` picks elements by a boolean tensor or array."""
    if isinstance(index, np.ndarray):
        return bool(index.dtype == np.bool_)
    return isinstance(index, torch.Tensor) and index.dtype == torch.bool


def is_everything(index: Any) -> bool:
    """Whether ``index`` is ``...`` or ``:``, or a tuple of these."""
    if isinstance(index, tuple):
        return all(map(is_everything, index))
    return index is Ellipsis or (isinstance(index, slice) and index == slice(None))


def picked(known: TensorEntries, x: Any, mask: Any) -> int:
    """Return the entry of ``x[mask]``."""
    return known.graph.add("picked", known.of(mask), known.of(x))


def masked(known: TensorEntries, x: Any, mask: Any, value: Any) -> int:
    """Return the entry of ``x`` after ``x[mask] = value``."""
    condition = known.of(mask)
    new = _unpicked(known.graph, known.of(value), condition)
    return known.graph.add("where", condition, new, known.of(x))


def _unpicked(graph: ExpressionGraph, entry: int, mask: int) -> int:
    """Return ``entry`` with what was picked by ``mask`` in its place."""
    operator, *operands = graph.entries[entry]
    if operator == "picked" and operands[0] == mask:
        return _unpicked(graph, operands[1], mask)
    if operator in ("number", "symbol"):
        return entry
    head = operands[:1] if operator == "opaque" else []
    return graph.add(operator, *head, *(_unpicked(graph, operand, mask) for operand in operands[len(head) :]))
