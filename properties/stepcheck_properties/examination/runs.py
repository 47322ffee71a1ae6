"""Runs of one cell: repeated where the subject crashes or hangs, and shared by laws with the same script."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck_properties.examination.tally import Tally
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import ReferenceRun, RunScript
from stepcheck_properties.strategies.hyper_parameters import domains_of
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class LawRun:
    """A run of a script that the law with code ``origin`` brought, or of its reference."""

    script: Script
    trajectory: Trajectory
    origin: str


class CellRuns:
    """Runs scripts on the subject of ``harness``, and notes crashes and hangs in ``tally``."""

    def __init__(self, harness: Harness, tally: Tally) -> None:
        self.harness, self.tally = harness, tally
        self.trajectories: dict[str, Trajectory] = {}
        self.of_laws: dict[str, LawRun] = {}
        """The runs of laws' own scripts, references among them, that the cell's rule and arithmetic judge."""

    def run(self, script: Script, origin: str) -> Trajectory:
        """Run ``script``, once more where it crashes or hangs; if it does so again, no further script is run.

        A process may also be killed for reasons outside the subject, and each hang costs the worker's whole deadline.
        """
        trajectory = self.harness.run(script)
        fault = trajectory.fault
        if fault is None or fault.kind not in ("crashed", "hung"):
            return trajectory
        again = self.harness.run(script)
        if again.fault is None or again.fault.kind != fault.kind:
            self.tally.unconfirmed.append(f"{origin}: {fault.kind} at step {fault.step}, not when repeated")
        else:
            self.tally.stopped = f"{origin}: {again.fault.kind} at step {again.fault.step}"
        return again

    def shared_run(self, script: Script, origin: str) -> Trajectory:
        """Run a law's script, or return its trajectory if another law has had it run."""
        key = self._key(script)
        if key not in self.trajectories:
            self.trajectories[key] = self.run(script, origin)
            self._note(key, script, origin)
        return self.trajectories[key]

    def reference_runner(self, script: Script, origin: str) -> RunScript:
        """Return what runs the reference of ``script``, which law ``origin`` brought; laws share these runs as well.

        A reference that is the very same run is not taken from the cache: it checks determinism.
        """
        own_key = self._key(script)

        def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
            key = self._key(script, reference)
            if key == own_key:
                return self.harness.run(script, reference)
            if key not in self.trajectories:
                self.trajectories[key] = self.harness.run(script, reference)
                if reference is None or self._is_of_this_cell(reference):
                    self._note(key, script, origin)
            return self.trajectories[key]

        return run

    def _note(self, key: str, script: Script, origin: str) -> None:
        """Keep a run to be judged, unless its hyper-parameters are outside the rule's domains, as some laws try."""
        domains = domains_of(self.harness.rule)
        values = [
            (name, value)
            for step in range(len(script.steps) + 1)
            for group in script.hyper_at(step)
            for name, value in group.items()
        ]
        if all(name in domains and domains[name].contains(value) for name, value in values):
            self.of_laws[key] = LawRun(script, self.trajectories[key], origin)

    def _is_of_this_cell(self, reference: ReferenceRun) -> bool:
        """Whether a reference runs the cell's own subject under its own rule; any other is judged in its own cell."""
        facts = self.harness.facts
        return (
            reference.mode in ("", facts.mode)
            and reference.dtype in ("", self.harness.dtype)
            and not reference.options
            and reference.rule is None
        )

    def _key(self, script: Script, reference: ReferenceRun | None = None) -> str:
        """Return a string that identifies a run among those of the cell."""
        reference = reference or ReferenceRun(script)
        mode, dtype = reference.mode or self.harness.facts.mode, reference.dtype or self.harness.dtype
        return "/".join((mode, dtype, repr(sorted(reference.options.items())), to_json(script)))
