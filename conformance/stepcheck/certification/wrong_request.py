"""WrongRequest, in a module of its own so that whatever checks a part of a request can raise it."""

from __future__ import annotations


class WrongRequest(ValueError):
    """A request that cannot be met; the message has the given value, what is allowed, and the nearest name."""
