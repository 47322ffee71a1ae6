"""Runners: what the public face asks of whoever drives a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from stepcheck_implementations.subject import Adapter, Cell
from stepcheck_reference.script import Script
from stepcheck_reference.trajectory import Trajectory


class Runner(Protocol):
    """What turns a script into a trajectory: ``Workers``, or ``InProcess`` for objects handed over in Python."""

    def describe(
        self,
        target: str,
        rule: str | None = None,
        *,
        hyper: Sequence[str] = (),
        states: Sequence[str] = (),
        fixed: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Return what ``target`` offers."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""

    def run(self, adapter: Adapter, cell: Cell, script: Script) -> Trajectory:
        """Return what the cell's subject does over ``script``."""
