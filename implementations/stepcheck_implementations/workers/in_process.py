"""Subjects handed over as Python objects: driven in this process, through the interface of ``Workers``.

Nothing is isolated here: a subject that crashes or hangs takes the caller with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver import execution
from stepcheck_implementations.driver.observing.process_state import seeded
from stepcheck_implementations.driver.target import split
from stepcheck_implementations.matching import description, inspection
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, Claim
from stepcheck_implementations.reader import read_target
from stepcheck_implementations.reader.observing import observed_run
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory


def name_of(subject: Callable[..., Any]) -> str:
    """Return a target that names ``subject``: a library's classes by their public names, a script's by its file."""
    for library in libraries.ALL:
        for adapter in library.adapters:
            where, public = split(adapter.target)
            if getattr(sys.modules.get(where), public, None) is subject:
                return adapter.target
    name = getattr(subject, "__qualname__", type(subject).__qualname__)
    if getattr(getattr(sys.modules.get("torch"), "optim", None), name, None) is subject:
        return f"torch.optim.{name}"
    module = getattr(subject, "__module__", "__main__")
    source = getattr(sys.modules.get(module), "__file__", None) if module == "__main__" else None
    return f"{source or module}:{name}"


class InProcess:
    """One object as a subject; use it where ``Workers`` is used.

    Random numbers and torch's gradient mode are the caller's again after each method, whatever the object does to them.
    """

    isolated = False

    def __init__(self, subject: Callable[..., Any]) -> None:
        self.subject = subject
        self.target = name_of(subject)

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing; there is nothing to release."""

    def run(self, adapter: Adapter, cell: Cell, script: Script, *, deadline: float | None = None) -> Trajectory:
        """Return what the object does over ``script``; ``deadline`` cannot be enforced here."""
        return execution.run(adapter, cell, script, subject=self.subject)

    def environment(self) -> dict[str, Any]:
        """Return this process' versions and devices."""
        return inspection.environment()

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""
        return inspection.optimizers(library)

    def signature(self, target: str) -> dict[str, Any]:
        """Return what the object takes; see ``description.Source``."""
        return inspection.signature_json(self.subject, target)

    def fit(self, target: str, claim: Claim, *, steps: int = len(PROBE_GRADIENTS)) -> dict[str, Any]:
        """Return the object matched to ``claim``; see ``description.Source``."""
        with seeded():
            return inspection.fit(self.subject, target, claim, steps)

    def read(
        self, target: str, *, configuration: str, mode: str, options: Mapping[str, Any], dtype: str = "float32"
    ) -> dict[str, Any]:
        """Return the equations of the object as plain data; see ``reader.answer``."""
        with seeded():
            return read_target.read(
                self.subject, target, configuration=configuration, mode=mode, options=options, dtype=dtype
            )

    def observe(
        self,
        target: str,
        *,
        configuration: str,
        mode: str,
        options: Mapping[str, Any],
        experiments: Sequence[Mapping[str, Any]],
    ) -> list[list[list[float]]]:
        """Return where the object takes its parameter in ``experiments``; see ``observed_run``."""
        given: dict[str, Any] = {
            "configuration": configuration,
            "mode": mode,
            "options": options,
            "experiments": experiments,
        }
        with seeded():
            return list(observed_run.observe(self.subject, target, **given)["theta"])

    def run_program(self, text: str) -> str:
        """Return "": the object may have no name that a program could import."""
        return ""

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused; see ``description.Source``."""
        with seeded():
            return inspection.refusal(adapter, mode, dtype, device, self.subject)

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what the object offers; see ``description.describe``."""
        return description.describe(self, target, claim)
