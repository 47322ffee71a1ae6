"""Strategies for element data: gradients, and initial or overwritten parameters."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from stepcheck_reference.formats import FORMATS, Format
from stepcheck_reference.scripts.script import Data, Drawn, Literal

COMMON_REGIMES = ("constant", "normal", "signs", "uniform", "wide", "sparse", "tiny", "huge")
NONFINITE = (math.inf, -math.inf, math.nan)
LITERAL_LIMIT = 6
"""Tensors of up to this many reals may be drawn element by element."""


def special_values(form: Format) -> tuple[float, ...]:
    """Return the finite numbers where arithmetic in ``form`` changes its behaviour, simplest first."""
    ulp = 2.0 * form.unit_roundoff
    root = 2.0 ** (form.max_exponent // 2)
    positive = (
        1.0 + ulp,
        1.0 - form.unit_roundoff,
        form.smallest_normal,
        form.smallest_subnormal,
        form.smallest_normal - form.smallest_subnormal,
        1.0 / root,
        math.sqrt(form.smallest_subnormal),
        root,
    )
    return (0.0, -0.0, *(sign * value for value in positive for sign in (1.0, -1.0)))


@st.composite
def _reals(draw: st.DrawFn, form: Format, allow_nonfinite: bool) -> float:
    kind = draw(st.integers(0, 99))
    if kind < 50:
        return float(draw(st.integers(-9, 9)))
    if kind < 75:
        exponent = draw(st.integers(-30, 10))
        value = float(draw(st.integers(-99, 99))) * 2.0**exponent
    elif kind < 99 or not allow_nonfinite:
        value = draw(st.sampled_from(special_values(form)))
    else:
        value = draw(st.sampled_from(NONFINITE))
    bounded = max(-form.largest, min(form.largest, value)) if math.isfinite(value) else value
    return math.copysign(float(form.round(bounded)), bounded)  # type: ignore[arg-type]


def reals(*, dtype: str, allow_nonfinite: bool = False) -> st.SearchStrategy[float]:
    """Return a strategy for numbers that ``dtype`` holds exactly, shrinking toward 0.

    Small integers, dyadic fractions, signed zeros, subnormals and neighbours of 1; one in a hundred is
    infinite or nan where ``allow_nonfinite``.
    """
    return _reals(form=_form(dtype), allow_nonfinite=allow_nonfinite)


def seeds() -> st.SearchStrategy[int]:
    """Return a strategy for seeds of ``Drawn``, below 10 000, shrinking toward 0."""
    return st.builds(_seed, st.integers(0, 99), st.integers(0, 99))


def _seed(low: int, high: int) -> int:
    return low + 100 * high


@st.composite
def _gradients(draw: st.DrawFn, size: int, dtype: str, allow_nonfinite: bool) -> Data:
    form = FORMATS[dtype]
    if size <= LITERAL_LIMIT and draw(st.integers(0, 2)) < 2:
        count = size if draw(st.booleans()) else 1
        return Literal(tuple(draw(_reals(form, allow_nonfinite)) for _ in range(count)))
    regime = draw(st.sampled_from(COMMON_REGIMES))
    exponent = draw(st.integers(-12, 6)) if regime not in ("wide", "tiny", "huge") else 0
    specials = []
    if size and draw(st.integers(0, 3)) == 3:
        for _ in range(draw(st.integers(1, 3))):
            specials.append((draw(st.integers(0, min(size, 99) - 1)), draw(_reals(form, allow_nonfinite))))
    return Drawn(regime, draw(seeds()), 2.0**exponent, tuple(specials))


def gradients(*, size: int, dtype: str, allow_nonfinite: bool = False) -> st.SearchStrategy[Data]:
    """Return a strategy for the data of a tensor of ``size`` reals, shrinking toward ``Literal((0.0,))``.

    Small tensors are drawn element by element, larger ones as a regime, a seed and a few special
    values. Raises ValueError for an unknown dtype or a negative size.
    """
    _form(dtype)
    if size < 0:
        raise ValueError(f"size={size}, but should be at least 0")
    return _gradients(size=size, dtype=dtype, allow_nonfinite=allow_nonfinite)


def _form(dtype: str) -> Format:
    if dtype not in FORMATS:
        raise ValueError(f"dtype={dtype!r}, but should be one of {', '.join(FORMATS)}")
    return FORMATS[dtype]
