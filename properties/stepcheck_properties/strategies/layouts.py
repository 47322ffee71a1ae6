"""Strategies for memory layouts."""

from __future__ import annotations

from hypothesis import strategies as st


def possible_layouts(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the layouts that differ from each other for ``shape``, the contiguous one first."""
    possible = ["contiguous", "sliced"]
    if len(shape) >= 2:
        possible.append("transposed")
    if len(shape) == 4:
        possible.append("channels_last")
    return tuple(possible)


def layouts(*, shape: tuple[int, ...]) -> st.SearchStrategy[str]:
    """Return a strategy for layouts a tensor of ``shape`` can have, shrinking toward contiguous."""
    return st.sampled_from(possible_layouts(shape))
