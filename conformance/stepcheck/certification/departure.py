"""Departures: where a constructor's defaults are others than those that the source of its rule recommends."""

from __future__ import annotations

import msgspec


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A constructor's ``default`` of the hyper-parameter ``name``, and the other value its rule's source recommends."""

    target: str
    rule: str
    name: str
    default: float
    recommended: float
