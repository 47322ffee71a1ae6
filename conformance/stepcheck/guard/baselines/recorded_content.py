"""What cells of a baseline hold, checked before it is compared or run on: scripts, adapters, and what was recorded.

Most cells need no such look: a worker runs their scripts within its limits, and what it answers is compared digest by
digest. Where that fails, and before anything else is done with a recording, these functions say whether the baseline is
to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import BadBaseline
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, SCHEDULE, STEPS, CellSpec
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, to_trajectory
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import UnknownRule, find
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_limits import NoScript, script_from_outside

_DTYPES = frozenset("?bBhHiIlLqQefdFD")
"""Characters of the dtypes that a recorder stores."""
_DEEPEST = 40
"""Levels of a recorded value; a state dict has some ten."""
_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What reading odd content raises."""


def check_spec(spec: CellSpec) -> tuple[Script, ...]:
    """Return the scripts of a cell; raises BadBaseline where they, or its adapter, are none."""
    try:
        if spec.adapter is not None and spec.cell is not None:
            adapter, cell = dataclass_codec.decode(Adapter, spec.adapter), dataclass_codec.decode(Cell, spec.cell)
            adapter.configuration(cell.configuration)
            _require(cell.mode in MODES and cell.mode in adapter.modes and cell.dtype in FORMATS, "its cell")
        texts = spec.request.get("scripts", [spec.request["script"]] if "script" in spec.request else [])
        scripts = tuple(script_from_outside(text) for text in texts)
        if spec.rule:
            _check_rule(find(spec.rule), scripts)
        _require(len({script.label for script in scripts}) == len(scripts), "the labels of its scripts")
        return scripts
    except NoScript as error:
        raise BadBaseline(f"baseline: a script of {spec.id[:200]} {error}") from error
    except UnknownRule:
        raise
    except _ODD as error:
        raise _damaged(spec, error) from error


def _check_rule(rule: Rule, scripts: Iterable[Script]) -> None:
    """Raise NoScript where a script is for another rule."""
    names = [symbol.name for symbol in rule.hyper]
    for script in scripts:
        by_closure = script.objective is not None and script.objective.by_closure
        if needs_objective(rule) != by_closure:
            raise NoScript(f"{'has' if by_closure else 'lacks'} an objective, which {rule.name} does not agree with")
        for group in script.groups:
            if missing := [name for name in names if name not in group.hyper]:
                raise NoScript(f"has a group without {missing[0]}, which {rule.name} needs")


def checked_recording(baseline: Baseline, spec: CellSpec) -> Recording:
    """Return the recording of a cell; raises BadBaseline where it is not one of its scripts."""
    scripts = check_spec(spec)
    try:
        for signature in baseline.shared[baseline.cells[spec.id].signatures]:
            _require(signature[1] in _DTYPES, f"the dtype {signature[1][:20]!r}")
        recording = baseline.recording(spec.id)
        _require(_depth(recording.facts) <= _DEEPEST, "the depth of its facts")
        if "absent" in recording.facts:
            _require(isinstance(recording.facts["absent"], str), "why it is absent")
        elif spec.kind == STEPS:
            labels = {script.label for script in scripts}
            _require(set(recording.facts.get("runs", ())) <= labels and "runs" in recording.facts, "its runs")
            for script in scripts:
                if script.label in recording.facts["runs"]:
                    _check_run(script, *_run(recording, script.label))
        elif spec.kind == CHECKPOINT:
            _check_checkpoint(scripts[0], recording)
        elif spec.kind == SCHEDULE:
            _require(all(values.dtype.kind == "f" for values in recording.tensors.values()), "its rates")
        return recording
    except _ODD as error:
        raise _damaged(spec, error) from error


def _run(recording: Recording, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    prefix = f"{label}/"
    tensors = {name[len(prefix) :]: values for name, values in recording.tensors.items() if name.startswith(prefix)}
    return recording.facts["runs"][label], tensors


def _check_checkpoint(script: Script, recording: Recording) -> None:
    facts = dict(recording.facts)
    at, saved = facts.pop("at"), facts.pop("saved")
    _require(type(at) is int and 0 < at <= len(script.steps), "where it was saved")
    tensors = {name: values for name, values in recording.tensors.items() if not name.startswith("saved ")}
    count = len(recording.tensors) - len(tensors)
    _require(all(f"saved {number}" in recording.tensors for number in range(count)), "the tensors that were saved")
    for number in _numbers(saved):
        _require(type(number) is int and 0 <= number < count, "the tensors that were saved")
    _check_run(script, facts, tensors)


def _check_run(script: Script, facts: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    _require(type(facts["steps"]) is int and 0 <= facts["steps"] <= len(script.steps), "its number of steps")
    fault = facts["fault"]
    if fault is not None:
        kind, message, step = fault
        _require(isinstance(kind, str) and isinstance(message, str) and type(step) is int, "its fault")
    for name in ("warnings", "wrote", "calls"):
        _require(isinstance(facts.get(name, []), list), f"its {name}")
    _require(all(isinstance(line, str) for line in facts.get("warnings", [])), "its warnings")
    for name, (kinds, _) in facts["states"].items():
        for width, char, runs in kinds:
            rows = sum(runs)
            _require(isinstance(name, str) and char in _DTYPES, f"state {name[:40]!r}")
            _require(0 <= width <= 1 << 20 and 0 <= rows <= len(script.steps) + 1, f"state {name[:40]!r}")
            _require(all(type(run) is int and run >= 0 for run in runs), f"state {name[:40]!r}")
    kinds, _ = facts["held"]
    for entries in kinds:
        for key, dtype, device, shape in entries:
            _require(all(isinstance(text, str) for text in (key, dtype, device)), "what its states are")
            _require(all(type(size) is int for size in shape), "what its states are")
    trajectory = to_trajectory(script, Recording(dict(facts), dict(tensors)))
    for trace, tensor in zip(trajectory.traces, script.tensors, strict=True):
        _require(trace.theta.shape == (facts["steps"], tensor.size), "its parameters")


def _depth(value: Any, level: int = 0) -> int:
    if level > _DEEPEST or not isinstance(value, (dict, list)):
        return level
    entries = value.values() if isinstance(value, dict) else value
    return max((_depth(entry, level + 1) for entry in entries), default=level)


def _numbers(tree: Any) -> Iterator[Any]:
    """Yield the number of every tensor in a serialized state dict."""
    if isinstance(tree, dict):
        if "tensor" in tree:
            yield tree["tensor"]
        for entry in tree.values():
            yield from _numbers(entry)
    elif isinstance(tree, list):
        for entry in tree:
            yield from _numbers(entry)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} cannot be")


def _damaged(spec: CellSpec, error: BaseException) -> BadBaseline:
    why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return BadBaseline(f"baseline: the recording of {spec.id[:200]} is damaged ({why})")
