"""The record of how far a right step lies from every order of its rule's operations."""

from __future__ import annotations

import msgspec


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """The worst new value of a cell in radii of the envelope of any order of its rule's operations, beyond 1.

    ``loses`` says which operation of the code loses the most there, "" where that is not known; ``output`` and ``step``
    say where it was, and ``inputs`` what entered the step.
    """

    ratio: float | str
    output: str
    loses: str
    step: int
    inputs: dict[str, float | str] = {}
