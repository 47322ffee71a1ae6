"""Strategies for shapes."""

from __future__ import annotations

from hypothesis import strategies as st

LONG_SIDES = (17, 31, 33, 64, 67)
"""Sides near multiples of a vector register's width, where a kernel's main loop meets its remainder."""


@st.composite
def _shapes(draw: st.DrawFn, min_dims: int, max_dims: int, min_side: int, max_side: int) -> tuple[int, ...]:
    dims = draw(st.integers(min_dims, max_dims))
    sides = [draw(st.integers(1, max_side)) for _ in range(dims)]
    kind = draw(st.integers(0, 19))
    if dims and kind >= 18 and min_side == 0:
        sides[draw(st.integers(0, dims - 1))] = 0
    elif dims and 15 <= kind < 18:
        sides[draw(st.integers(0, dims - 1))] = draw(st.sampled_from(LONG_SIDES))
    return tuple(sides)


def shapes(
    *, min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Return a strategy for shapes from 0-d up, empty ones too, shrinking toward ``()``.

    One side in eight or so is longer than ``max_side``, one of ``LONG_SIDES``. Raises ValueError where
    the bounds cross.
    """
    if not 0 <= min_dims <= max_dims <= 8:
        raise ValueError(f"min_dims={min_dims}, max_dims={max_dims}, but should be 0 <= min_dims <= max_dims <= 8")
    if min_side not in (0, 1) or not 1 <= max_side <= 99:
        raise ValueError(f"min_side={min_side}, max_side={max_side}, but should be min_side in 0, 1 and max_side <= 99")
    return _shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)
