"""Inference: which named arithmetic an undeclared subject keeps, once a cell, and reported."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck_reference.arithmetic import Arithmetic, plain
from stepcheck_reference.formats import BINARY32, FORMATS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A named arithmetic to try; ``says`` is what the report says of a subject that holds only with it."""

    name: str
    says: str
    source: str
    lerp: bool = False
    narrow_scalars: bool = False
    folded: bool = False

    def arithmetics(self) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype."""
        return {dtype: self._of(dtype) for dtype in FORMATS}

    def _of(self, dtype: str) -> Arithmetic:
        base = plain(dtype, name=self.name, source=self.source)
        if self.narrow_scalars:
            base = base.with_(counted=BINARY32, power_ulps=2.0)
        return base.with_(lerp=self.lerp, folded=self.folded)


_LERP = "averages as torch.lerp computes them (ATen/native/Lerp.h)"
_NARROW = "scalars that depend on t rounded to binary32, as 0-d float32 tensors are"

PLAIN = Candidate("binary64 scalars", "", "IEEE 754-2019, section 4.3.1")

CANDIDATES = (
    PLAIN,
    Candidate("lerp", "holds only with averages computed as lerp", _LERP, lerp=True),
    Candidate("float32 scalars", "holds only with float32 scalars", _NARROW, narrow_scalars=True),
    Candidate(
        "float32 scalars, lerp",
        "holds only with float32 scalars and averages computed as lerp",
        f"{_NARROW}; {_LERP}",
        lerp=True,
        narrow_scalars=True,
    ),
    Candidate(
        "float32 scalars, lerp, folded",
        "holds only with float32 scalars, averages computed as lerp, and scalars folded into the divisor",
        f"{_NARROW}; {_LERP}; a divisor's terms each divided by the step size (torch/optim/adam.py, capturable)",
        lerp=True,
        narrow_scalars=True,
        folded=True,
    ),
)
"""Every arithmetic that is tried, in this order; the first is what an undeclared subject is held to."""


def candidate(name: str) -> Candidate:
    """Return the candidate called ``name``; raises KeyError where there is none."""
    return {entry.name: entry for entry in CANDIDATES}[name]
