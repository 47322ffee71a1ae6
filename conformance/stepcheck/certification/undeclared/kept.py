"""The record of a rule that a target keeps instead of the one that it claims."""

from __future__ import annotations

import msgspec


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Another ``rule``, that holds in ``cell`` where the claimed one is broken."""

    rule: str
    cell: str
