"""Expression graph: what was computed, as a table in which every expression has one number; no torch, no SymPy.

An entry is (operator, operands...): operands are numbers of earlier entries, but for "number", whose operand is a
literal, "symbol", which has a kind and a name, and "opaque", whose first operand is the name of a function.
"""

from __future__ import annotations

from typing import Any

from stepcheck_implementations.reader.operations.whole_tensors import in_words

Entry = tuple[Any, ...]

COMPARISONS = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
"""Each comparison, and the one that holds where it does not."""

ROUND = "round"
"""The operator that rounds to a format, which stands after it: "round float32". In the formula it is the identity."""
_EXACT = 256
"""Integers up to this are numbers of every format."""


class ExpressionGraph:
    """The table, the conditions that a path has met, and the functions that were called and not read.

    ``files`` hold the subject's code, whose lines are named where they use a whole tensor. ``formats`` are the number
    formats that code converts to by name. ``recording`` says whether comparisons are conditions of the step: those of a
    constructor are not.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._numbers: dict[Entry, int] = {}
        self.recording = False
        self.conditions: list[tuple[int, bool]] = []
        self.opaque: list[str] = []
        self.formats: set[str] = set()
        self.files: frozenset[str] = frozenset()

    def add(self, operator: str, *operands: Any) -> int:
        """Return the number of the entry (operator, operands...), which is made where it is new."""
        entry = (operator, *operands)
        number = self._numbers.get(entry)
        if number is None:
            number = self._numbers[entry] = len(self.entries)
            self.entries.append(entry)
        return number

    def number(self, value: float) -> int:
        """Return the entry of a literal number."""
        if isinstance(value, bool):
            value = int(value)
        return self.add("number", int.__repr__(value) if isinstance(value, int) else float.__repr__(float(value)))

    def symbol(self, kind: str, name: str) -> int:
        """Return the entry of a symbol: kind "theta", "g", "t", "hyper" or "state"."""
        return self.add("symbol", kind, name)

    def rounded(self, entry: int, form: str) -> int:
        """Return the entry of ``entry`` rounded to the number format ``form``; a small integer is as it is."""
        operator, *operands = self.entries[entry]
        exact = operator == "number" and operands[0].lstrip("-").isdigit() and abs(int(operands[0])) <= _EXACT
        if exact or operator == f"{ROUND} {form}":
            return entry
        return self.add(f"{ROUND} {form}", entry)

    def call(self, name: str, *operands: int) -> int:
        """Return the entry of a function that was not read."""
        self.opaque.append(in_words(name, self.files) or name)
        return self.add("opaque", name, *operands)

    def condition(self, entry: int, truth: bool) -> None:
        """Write down that the code found ``entry`` to be ``truth`` and went on accordingly."""
        if self.recording:
            self.conditions.append((entry, truth))

    def take_path(self) -> tuple[list[tuple[int, bool]], list[str]]:
        """Return the conditions and functions since the last call, and forget them."""
        conditions, self.conditions = self.conditions, []
        opaque, self.opaque = self.opaque, []
        return list(dict.fromkeys(conditions)), list(dict.fromkeys(opaque))
