"""Kept: what was worked out for the latest objects, by which object each is; hashing them takes long, or cannot be."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Value = TypeVar("Value")


class IdentityCache(Generic[Thing, Value]):
    """Values of ``make`` for the ``most`` objects asked for last; objects are taken not to change."""

    def __init__(self, make: Callable[[Thing], Value], most: int) -> None:
        self.make, self.most = make, most
        self._found: OrderedDict[int, tuple[Thing, Value]] = OrderedDict()

    def __call__(self, thing: Thing) -> Value:
        """Return the value of ``thing``."""
        number = id(thing)  # of an object that is held here, so that no other has it
        if number in self._found:
            self._found.move_to_end(number)
            return self._found[number][1]
        value = self.make(thing)
        self._found[number] = thing, value
        if len(self._found) > self.most:
            self._found.popitem(last=False)
        return value
