"""The record of a rule that a request brings."""

from __future__ import annotations

import msgspec


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a target is held to where the request brings one.

    ``target`` is the code that it was read from, or the place of a ``Rule``; then ``read`` is false. ``equations`` are
    those of its first configuration, a line each, and ``same_as`` a listed rule that they are proved to be. Where the
    code was run against its own equations, ``compared`` counts element-steps of ``scripts`` scripts; else
    ``unverified`` says why not. ``variants`` are further readings, each with options that both have switched over, or
    a number at 0 where the code has a path of its own. ``held`` are its arguments that kept one value.
    """

    target: str
    read: bool
    equations: tuple[str, ...] = ()
    same_as: str = ""
    compared: int = 0
    scripts: int = 0
    unverified: str = ""
    variants: tuple[str, ...] = ()
    held: dict[str, str] = {}
