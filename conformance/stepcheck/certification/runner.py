"""The runner: what certification needs of whatever drives a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.matching.claim import Claim
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory


class Runner(Protocol):
    """What turns a script into a trajectory: ``Workers``, or ``InProcess`` for objects handed over in Python."""

    isolated: bool
    """Whether the target runs in processes of its own, so that nothing it does is left behind for what follows."""

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what ``target`` offers, matched to ``claim`` where it has no adapter of its own."""

    def signature(self, target: str) -> dict[str, Any]:
        """Return what ``target`` takes: "signature" in words, "arguments" and "defaults"."""

    def fit(self, target: str, claim: Claim, *, steps: int = 3) -> dict[str, Any]:
        """Return ``target`` matched to ``claim``, or {"ended": reason} where the trial ended its process."""

    def read(
        self, target: str, *, configuration: str, mode: str, options: Mapping[str, Any], dtype: str = "float32"
    ) -> dict[str, Any]:
        """Return the equations of ``target`` with parameters of ``dtype``, as plain data; see ``reader.answer``.

        Raises TargetError.
        """

    def observe(
        self,
        target: str,
        *,
        configuration: str,
        mode: str,
        options: Mapping[str, Any],
        experiments: Sequence[Mapping[str, Any]],
    ) -> list[list[list[float]]]:
        """Return where ``target`` takes its parameter in ``experiments``; see ``observed_run``. Raises TargetError."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""

    def run(self, adapter: Adapter, cell: Cell, script: Script) -> Trajectory:
        """Return what the cell's subject does over ``script``."""

    def run_program(self, text: str) -> str:
        """Return what the program ``text`` does in a process of its own; "" where it is not run."""
