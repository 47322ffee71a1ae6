"""Arrays of 113-bit floats: the oracle's centre for float64 subjects, and every scalar's.

``numpy-quaddtype`` where it has a wheel; elsewhere object arrays of gmpy2's ``mpfr`` at the same
precision, slower but equal. Only operations that proved reliable are used: no ``einsum``, ``place`` or pickling.
"""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION = 113
"""Significant bits, those of IEEE 754 binary128."""

Extended = NDArray[Any]
"""An array of 113-bit floats, of whichever element type this machine has."""

Reals = NDArray[np.float64]
"""An array of binary64 values."""

Mask = NDArray[np.bool_]
"""An array that says where."""


class _Quad:
    """113-bit arithmetic by numpy-quaddtype (backed by SLEEF)."""

    name = "numpy-quaddtype"

    def __init__(self) -> None:
        from numpy_quaddtype import QuadPrecDType

        self._dtype = QuadPrecDType()

    def lift(self, values: NDArray[np.float64]) -> Extended:
        return np.asarray(values, dtype=np.float64).astype(self._dtype)

    def lower(self, values: Extended) -> NDArray[np.float64]:
        return values.astype(np.float64)

    def sqrt(self, values: Extended) -> Extended:
        return np.asarray(np.sqrt(values))

    def power(self, base: Extended, exponent: Extended) -> Extended:
        with np.errstate(invalid="ignore"):  # 0**t is right, and sets the flag
            return np.asarray(np.power(base, exponent))


class _Mpfr:
    """113-bit arithmetic by object arrays of gmpy2 numbers."""

    name = "gmpy2"

    def __init__(self) -> None:
        import gmpy2

        gmpy2.get_context().precision = PRECISION
        self._lift = np.frompyfunc(lambda value: gmpy2.mpfr(float(value)), 1, 1)
        self._lower = np.frompyfunc(float, 1, 1)
        self._sqrt = np.frompyfunc(gmpy2.sqrt, 1, 1)
        self._power = np.frompyfunc(lambda base, exponent: base**exponent, 2, 1)

    def lift(self, values: NDArray[np.float64]) -> Extended:
        return np.asarray(self._lift(np.asarray(values, dtype=np.float64)), dtype=object)

    def lower(self, values: Extended) -> NDArray[np.float64]:
        return np.asarray(self._lower(values), dtype=np.float64)

    def sqrt(self, values: Extended) -> Extended:
        return np.asarray(self._sqrt(values), dtype=object)

    def power(self, base: Extended, exponent: Extended) -> Extended:
        return np.asarray(self._power(base, exponent), dtype=object)


Backend = _Quad | _Mpfr


def backend(name: str | None = None) -> Backend:
    """Return the 113-bit arithmetic called ``name``, or the fastest that is installed."""
    if name is None:
        name = "numpy-quaddtype" if importlib.util.find_spec("numpy_quaddtype") else "gmpy2"
    return _Quad() if name == "numpy-quaddtype" else _Mpfr()


def exact(value: Fraction, arithmetic: Backend) -> Extended:
    """Return a 0-d array holding ``value`` to 113 bits, never through a single binary64."""
    total = arithmetic.lift(np.zeros(()))
    rest = value
    for _ in range(4):
        part = float(rest)
        total = total + arithmetic.lift(np.asarray(part))
        rest -= Fraction(part)
    return np.asarray(total)
