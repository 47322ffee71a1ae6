"""Binary floating-point formats: the range of a dtype and how it rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format, rounded to nearest even.

    ``precision`` counts the significant bits, the hidden one included; ``max_exponent`` is the
    exponent of the largest finite number. IEEE 754-2019, section 3.3; bfloat16 has binary32's range.
    """

    name: str
    precision: int
    max_exponent: int

    @property
    def unit_roundoff(self) -> float:
        """The largest relative error of one rounding, 2**-precision."""
        return float(2.0**-self.precision)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float((2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.max_exponent)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive normal number."""
        return float(2.0 ** (1 - self.max_exponent))

    @property
    def smallest_subnormal(self) -> float:
        """The smallest positive number."""
        return float(2.0 ** (2 - self.max_exponent - self.precision))

    def round(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return binary64 ``values`` rounded once to this format, as binary64; overflow gives inf."""
        wide = np.asarray(values, dtype=np.float64)
        if self is BINARY64:
            return wide.copy()
        with np.errstate(all="ignore"):
            if self is BINARY32:
                return wide.astype(np.float32).astype(np.float64)
            if self is BINARY16:
                return wide.astype(np.float16).astype(np.float64)
            _, exponent = np.frexp(wide)
            lowest = 2 - self.max_exponent
            quantum = np.ldexp(1.0, np.maximum(exponent, lowest) - self.precision)
            rounded = np.where(np.isfinite(wide), np.rint(wide / quantum) * quantum, wide)
            return np.where(np.abs(rounded) > self.largest, np.copysign(np.inf, wide), rounded)


BINARY16 = Format("float16", 11, 15)
BFLOAT16 = Format("bfloat16", 8, 127)
BINARY32 = Format("float32", 24, 127)
BINARY64 = Format("float64", 53, 1023)

FORMATS: dict[str, Format] = {
    "float16": BINARY16,
    "bfloat16": BFLOAT16,
    "float32": BINARY32,
    "float64": BINARY64,
    "complex64": BINARY32,
    "complex128": BINARY64,
}
"""The format of each dtype's real component, in the order reports use."""


def is_complex(dtype: str) -> bool:
    """Whether elements of ``dtype`` are pairs of reals, which every elementwise rule updates in the same way."""
    return dtype.startswith("complex")
