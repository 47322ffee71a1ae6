"""Checkpoints: how a check resumes a run from the state dict that a recording saved."""

from __future__ import annotations

from dataclasses import replace

from stepcheck.guard.corpus.cell_spec import CHECKPOINT, CellSpec
from stepcheck_implementations.recorder.recording import Recording, to_trajectory
from stepcheck_reference.scripts.script import Group, Literal, Script
from stepcheck_reference.scripts.script_json import from_json, to_json


def recheck_spec(spec: CellSpec, old: Recording) -> CellSpec:
    """Return what to run to check a cell: the same again, or the rest of a run from where ``old`` saved it."""
    return (resume_spec(spec, old) if spec.kind == CHECKPOINT else None) or spec


def resume_spec(spec: CellSpec, old: Recording) -> CellSpec | None:
    """Return the spec that resumes the checkpoint in ``old``; None where it holds none, or the run ends there."""
    if "saved" not in old.facts:
        return None
    script, at = from_json(spec.request["script"]), int(old.facts["at"])
    trajectory = to_trajectory(script, old)
    if trajectory.steps <= at:
        return None
    tensors = tuple(
        replace(tensor, initial=Literal(tuple(trace.theta[at - 1].astype(float).tolist()))) if tensor.size else tensor
        for tensor, trace in zip(script.tensors, trajectory.traces, strict=True)
    )
    groups = tuple(Group(group.tensors, hyper) for group, hyper in zip(script.groups, script.hyper_at(at), strict=True))
    tail = Script(
        tensors, groups, script.steps[at:], script.objective, script.invocation, script.box, label=script.label
    )
    names = [name for name in old.tensors if name.startswith("saved ")]
    arrays = tuple(old.tensors[name] for name in sorted(names, key=lambda name: int(name.split()[1])))
    return replace(spec, request={"ask": "resume", "script": to_json(tail), "saved": old.facts["saved"]}, arrays=arrays)
