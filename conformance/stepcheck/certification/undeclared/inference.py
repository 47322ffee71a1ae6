"""Inference: which named arithmetic explains an undeclared subject, tried once a cell, and reported."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck_reference.formats import BINARY32, BINARY64, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain


@dataclass(frozen=True, slots=True)
class Candidate:
    """A named arithmetic to try; ``says`` is what the report says of a subject that holds only with it.

    ``counted``: scalars that depend on t are binary32. ``narrow``: all scalars are, and they meet a
    tensor so. Of binary64 tensors those are the very numbers: hyper-parameters that were rounded once, or what depends
    on t where it meets a tensor.
    """

    name: str
    says: str
    source: str
    lerp: bool = False
    counted: bool = False
    narrow: bool = False
    folded: bool = False

    def arithmetics(self) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype."""
        return {**self.widened(), **{dtype: self._exact(dtype) for dtype in FORMATS if FORMATS[dtype] is BINARY64}}

    def widened(self) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype, with narrow scalars that may be off by their rounding."""
        return {dtype: self._of(dtype) for dtype in FORMATS}

    def _exact(self, dtype: str) -> Arithmetic:
        base = plain(dtype, name=self.name, source=self.source).with_(lerp=self.lerp, folded=self.folded)
        return base.with_(held=BINARY32) if self.narrow else base.with_(met=BINARY32) if self.counted else base

    def _of(self, dtype: str) -> Arithmetic:
        base = plain(dtype, name=self.name, source=self.source).with_(lerp=self.lerp, folded=self.folded)
        if self.narrow:
            return base.with_(scalars=BINARY32, counted=BINARY32, entry=BINARY32, power_ulps=2.0)
        return base.with_(counted=BINARY32, power_ulps=2.0) if self.counted else base


_LERP = "averages as torch.lerp computes them (ATen/native/Lerp.h)"
_COUNTED = "expressions in t rounded to binary32, as a 0-d float32 step counter makes them"
_NARROW = "expressions in hyper-parameters and t rounded to binary32, as 0-d float32 tensors are"
_FOLDED = "the step size folded into the divisor's terms (torch/optim/adam.py, _single_tensor_adam)"

PLAIN = Candidate("binary64 scalars", "", "IEEE 754-2019, section 4.3.1")

CANDIDATES = (
    PLAIN,
    Candidate("lerp", "holds only with averages computed as lerp", _LERP, lerp=True),
    Candidate("float32 scalars in t", "holds only with float32 scalars where they depend on t", _COUNTED, counted=True),
    Candidate(
        "float32 scalars in t, lerp",
        "holds only with float32 scalars where they depend on t and averages computed as lerp",
        f"{_COUNTED}; {_LERP}",
        lerp=True,
        counted=True,
    ),
    Candidate("float32 scalars", "holds only with float32 scalars", _NARROW, narrow=True),
    Candidate(
        "float32 scalars, lerp",
        "holds only with float32 scalars and averages computed as lerp",
        f"{_NARROW}; {_LERP}",
        lerp=True,
        narrow=True,
    ),
    Candidate(
        "float32 scalars, lerp, folded",
        "holds only with float32 scalars, averages computed as lerp, and scalars folded into the divisor",
        f"{_NARROW}; {_LERP}; {_FOLDED}",
        lerp=True,
        narrow=True,
        folded=True,
    ),
)
"""Every arithmetic that is tried, in this order; the first is what an undeclared subject is judged with."""


def candidate(name: str) -> Candidate:
    """Return the candidate called ``name``; raises KeyError where there is none."""
    return {entry.name: entry for entry in CANDIDATES}[name]
