"""Strategies for dtypes."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from stepcheck_reference.formats import FORMATS, is_complex


def dtypes(
    *, among: Collection[str] | None = None, allow_complex: bool = True, allow_narrow: bool = True
) -> st.SearchStrategy[str]:
    """Return a strategy for dtype names, shrinking toward float32.

    ``among`` limits the choice. Narrow dtypes have less than 32 bits. Raises ValueError for an unknown
    name, or where nothing is left to choose from.
    """
    for name in among or ():
        if name not in FORMATS:
            raise ValueError(f"dtype={name!r}, but should be one of {', '.join(FORMATS)}")
    chosen = [
        name
        for name in ("float32", "float64", "bfloat16", "float16", "complex64", "complex128")
        if (among is None or name in among)
        and (allow_complex or not is_complex(name))
        and (allow_narrow or FORMATS[name].precision >= FORMATS["float32"].precision)
    ]
    if not chosen:
        raise ValueError(f"among={among!r}, but should leave at least one dtype")
    return st.sampled_from(chosen)
