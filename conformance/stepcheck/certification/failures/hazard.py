"""Hazards as a certificate holds them."""

from __future__ import annotations

import msgspec


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a cell that was nan, or infinite, where the exact rule is finite, and rounding allows it.

    ``reals`` of ``of`` that were compared were not finite, for the first time at ``step``, counted from 1, of a script,
    with these ``inputs``. ``remedy`` says what removes it.
    """

    output: str
    reals: int
    of: int
    step: int
    observed: float | str
    inputs: dict[str, float | str] = {}
    remedy: str = ""
