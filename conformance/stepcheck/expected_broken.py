"""Expected failures: what the oracle has confirmed in released torch, each with a witness and an explanation.

A finding's witness is replayed first. While it breaks, failures of the same law and output in the same
cell are `expected_broken`; any other failure is `broken`. A witness that no longer breaks is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from stepcheck_implementations.subject import Cell
from stepcheck_reference.script import Script


@dataclass(frozen=True, slots=True)
class Finding:
    """One known finding.

    ``torch`` is the range of releases that have it, (first, first without it), each "" where open.
    ``targets`` ... ``devices`` are shell patterns; a cell matches where each has a pattern that does.
    ``code`` and ``outputs`` are the law it breaks and in what ("theta", a state's alphabet name, "count",
    or a fault's kind). ``witness`` breaks it in every matching cell once its tensors have the cell's dtype.
    ``beyond`` bounds the ratio that it explains; a larger one is something new. ``when`` looks at the worst
    element's inputs (by alphabet name) and says whether the explanation can be true of them.
    """

    name: str
    explanation: str
    link: str
    torch: tuple[str, str]
    targets: tuple[str, ...]
    code: str
    outputs: tuple[str, ...]
    witness: Script
    configurations: tuple[str, ...] = ("*",)
    modes: tuple[str, ...] = ("*",)
    dtypes: tuple[str, ...] = ("*",)
    devices: tuple[str, ...] = ("*",)
    beyond: float = float("inf")
    when: Callable[[Mapping[str, float]], bool] | None = None

    def matches(self, cell: Cell, torch: str) -> bool:
        """Whether the finding is known for ``cell`` in release ``torch``, as in "2.13.0+cpu"."""
        first, without = self.torch
        if (first and release(torch) < release(first)) or (without and release(torch) >= release(without)):
            return False
        pairs = (
            (cell.target, self.targets),
            (cell.configuration, self.configurations),
            (cell.mode, self.modes),
            (cell.dtype, self.dtypes),
            (cell.device, self.devices),
        )
        return all(any(fnmatchcase(value, pattern) for pattern in patterns) for value, patterns in pairs)

    def covers(self, code: str, output: str, ratio: float, inputs: Mapping[str, float]) -> bool:
        """Whether a failure of law ``code`` in ``output`` is this finding's."""
        if code != self.code or output not in self.outputs or ratio > self.beyond:
            return False
        return self.when is None or self.when(inputs)

    def script(self, cell: Cell) -> Script:
        """Return the witness in the cell's dtype."""
        tensors = tuple(replace(tensor, dtype=cell.dtype) for tensor in self.witness.tensors)
        return replace(self.witness, tensors=tensors)

    @property
    def reason(self) -> str:
        """The explanation with its link."""
        return f"{self.explanation} ({self.link})" if self.link else self.explanation


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release: (2, 13, 0) of "2.13.0+cpu"; trailing zeros do not count."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version).group().split(".") if part]  # type: ignore[union-attr]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def known(findings: Iterable[Finding], cell: Cell, torch: str) -> tuple[Finding, ...]:
    """Return those of ``findings`` that match ``cell`` in release ``torch``."""
    return tuple(finding for finding in findings if finding.matches(cell, torch))
