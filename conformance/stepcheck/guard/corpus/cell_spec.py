"""Cell specs: what a worker runs for one cell, as plain data that can be stored and run again elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepcheck.guard.corpus.selection import TORCH
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder import scheduler_recipes
from stepcheck_implementations.workers import wire
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json

STEPS, CHECKPOINT, API, SCHEDULE = "steps", "checkpoint", "api", "schedule"
"""Kinds of cells: an optimizer's steps, a run resumed from its state dict, a class's API, a scheduler's rates."""

VARIANTS = "other ways"
"""The end of the name of a cell whose scripts are variants of one, in how the optimizer is called; see
``variant_scripts``. Baselines hold it, so it stays as it is."""

KINDS = (STEPS, CHECKPOINT, SCHEDULE, API)

RELOADED = "reloaded"
"""The edge case whose run a checkpoint saves in the middle."""
SAVED_AT = 3
"""The step after which it is saved."""


@dataclass(frozen=True, slots=True)
class CellSpec:
    """One cell and what a worker runs for it.

    ``target`` is the class, or the library; ``request`` is what the worker's loop receives (see ``serve``), and
    ``adapter`` and ``cell`` what it opens before, None where it opens nothing. ``rule`` names the update rule whose
    envelope its steps have, "" for none. ``arrays`` go with the request.
    """

    id: str
    kind: str
    target: str
    request: Mapping[str, Any]
    adapter: Mapping[str, Any] | None = None
    cell: Mapping[str, Any] | None = None
    rule: str = ""
    arrays: wire.Arrays = ()


def steps_spec(
    adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str, unread: Sequence[str] = ()
) -> CellSpec:
    """Return the spec that runs ``scripts``; states that are ``unread`` are left out."""
    request = {"ask": "record", "scripts": [to_json(script) for script in scripts], "unread": list(unread)}
    plain = dataclass_codec.encode(adapter), dataclass_codec.encode(cell)
    return CellSpec(cell_name(cell), STEPS, adapter.target, request, *plain, rule)


def checkpoint_specs(adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str) -> Iterator[CellSpec]:
    """Yield the spec of a run that is saved in the middle: the script of reloads, without its reloads."""
    for script in scripts:
        if script.label == RELOADED:
            plain = replace(script, steps=tuple(replace(step, reload="") for step in script.steps))
            request = {"ask": "checkpoint", "script": to_json(plain), "at": SAVED_AT}
            name, opened = (
                f"{cell_name(cell)} {CHECKPOINT}",
                (dataclass_codec.encode(adapter), dataclass_codec.encode(cell)),
            )
            yield CellSpec(name, CHECKPOINT, adapter.target, request, *opened, rule)


def api_spec(target: str) -> CellSpec:
    """Return the spec that records the API of a class."""
    return CellSpec(f"{short_target(target)} api", API, target, {"ask": "surface", "target": target})


def library_spec(library: str) -> CellSpec:
    """Return the spec that records the names that a library offers."""
    return CellSpec(f"{library} api", API, library, {"ask": "library_surface", "library": library})


def schedule_specs() -> Iterator[CellSpec]:
    """Yield the specs of every schedule, and of the API of torch's schedulers."""
    for recipe in scheduler_recipes.ALL:
        yield CellSpec(f"{recipe['name']} schedule", SCHEDULE, recipe["target"], {"ask": "schedule", "recipe": recipe})
    yield CellSpec("lr_scheduler api", API, f"{TORCH}.lr_scheduler", {"ask": "schedulers"})


def cell_name(cell: Cell) -> str:
    """Return the name of a cell; outside torch.optim it holds the whole target, so that no two are the same."""
    name = cell.target.rpartition(":")[2].rpartition(".")[2]
    return cell.id.replace(name, short_target(cell.target), 1)


def short_target(target: str) -> str:
    """Return a target without the prefix that classes of torch.optim share."""
    return target.removeprefix(f"{TORCH}.")
