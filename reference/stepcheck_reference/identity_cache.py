"""Identity cache: results for the latest objects, by identity, where hashing them is slow or impossible."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class IdentityCache(Generic[Key, Value]):
    """Results of ``make`` for the ``most`` most recently used objects, which must not change."""

    def __init__(self, make: Callable[[Key], Value], most: int) -> None:
        self.make, self.most = make, most
        self._entries: OrderedDict[int, tuple[Key, Value]] = OrderedDict()

    def __call__(self, key: Key) -> Value:
        """Return the value of ``key``."""
        number = id(key)  # the cache holds a reference, so that no other object can have this id
        if number in self._entries:
            self._entries.move_to_end(number)
            return self._entries[number][1]
        value = self.make(key)
        self._entries[number] = key, value
        if len(self._entries) > self.most:
            self._entries.popitem(last=False)
        return value
