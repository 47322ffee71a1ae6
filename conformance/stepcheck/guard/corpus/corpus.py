"""The corpus: every cell that is recorded, with the scripts that it is put through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from stepcheck import known_issues
from stepcheck.certification.plan import rule_of
from stepcheck.certification.request import Request, WrongRequest, claimed_rule, requested
from stepcheck.certification.runner import Runner
from stepcheck.guard.corpus import invocation_variants
from stepcheck.guard.corpus.spec import CHECKPOINT, OTHER_WAYS, SCHEDULE, STEPS, SURFACE, Asked
from stepcheck.guard.corpus.unruled_scripts import scripts as unruled_scripts
from stepcheck_implementations.adapters import libraries, torch_optim_record_only
from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration, compiles_slowly, is_eager
from stepcheck_implementations.adapters.torch_optim_record_only import RecordOnly
from stepcheck_implementations.recorder import scheduler_recipes
from stepcheck_properties.profile import Profile
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json

TORCH = "torch.optim"

SHORT = Profile(
    "guard",
    examples=0,
    max_steps=1,
    bulk_elements=112,
    bulk_steps=2,
    reductions=0,
    long_steps=MappingProxyType(dict.fromkeys(FORMATS, 12)),
)
"""Corners alone, with enough elements for whole blocks of a vector kernel."""

LONG = replace(SHORT, long_steps=MappingProxyType({**SHORT.long_steps, "bfloat16": 300}))
"""The same with a step counter that passes 256, where bfloat16's gaps begin; for one configuration a class."""

_OF_PARTS = ("epsilons", "many_steps", "scheduled", "short_memory", "shrinking_gradients", "zero_rate")
"""Corners that complex tensors are spared: they turn on numbers, and a complex one is updated as its two parts."""

CHECKPOINTED = "reloaded"
"""The corner whose run is saved in the middle."""
SAVED_AT = 3
"""The step after which it is."""

_COMPANY = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be recorded: targets with the rule that each claims, and which of their cells.

    Empty ``modes`` and ``dtypes`` mean all there are but those that take seconds a script.
    """

    targets: tuple[tuple[str, str | None], ...] = ((TORCH, None),)
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


EVERYTHING = Wanted()
"""Every class of torch.optim, on every device."""


def wanted(
    targets: Iterable[str] = (), *, modes: Sequence[str] = (), dtypes: Sequence[str] = (), devices: Sequence[str] = ()
) -> Wanted:
    """Return what is to be recorded; ``targets`` are as on the command line, as in "torch.optim.AdamW".

    "mine.py:Mine=adamw" says which rule a target claims. Without targets it is torch.optim. Raises WrongRequest for a
    mode or dtype that there is not.
    """
    targets = (targets,) if isinstance(targets, str) else targets
    checked = requested(TORCH, modes=modes, dtypes=dtypes, devices=devices)
    pairs = tuple((name, rule or None) for name, _, rule in (entry.partition("=") for entry in targets))
    return Wanted(pairs or EVERYTHING.targets, checked.modes, checked.dtypes, checked.devices)


def corpus(wanted: Wanted, runner: Runner) -> list[Asked]:
    """Return what to ask, class after class; ``runner`` says which devices and classes there are.

    Raises WrongRequest for a target that there is not, or a device.
    """
    there = list(runner.environment()["devices"])
    chosen = [
        name for name in there if not wanted.devices or name in wanted.devices or name.split(":")[0] in wanted.devices
    ]
    if not chosen:
        raise WrongRequest(f"device={', '.join(wanted.devices)}, but should be one of {', '.join(there)}")
    found: list[Asked] = []
    for target, rule in wanted.targets:
        members = libraries.members(target)
        if not members:
            found += _one(target, rule, wanted, runner, chosen)
            continue
        known = {adapter.target: adapter for adapter in members}
        for adapter in members:
            found += _ruled(adapter, None, wanted, chosen)
        if target == TORCH:
            for entry in torch_optim_record_only.ALL:
                found += _unruled(entry, wanted, chosen)
                known[entry.adapter.target] = entry.adapter
        for name in runner.optimizers(target):
            if f"{target}.{name}" not in known:
                found += _unruled(RecordOnly(guessed(f"{target}.{name}", runner)), wanted, chosen)
        if target == TORCH:
            found += _schedules()
            found.append(Asked(f"{target} api", SURFACE, target, {"ask": "library_surface", "library": target}))
    return _once(found)


def _once(asked: Iterable[Asked]) -> list[Asked]:
    """Return ``asked`` without repetitions; raises WrongRequest where one cell is asked two things."""
    found: dict[str, Asked] = {}
    for entry in asked:
        if found.setdefault(entry.id, entry) != entry:
            raise WrongRequest(f"target={entry.target}, but it is given twice, with different rules")
    return list(found.values())


def guessed(target: str, runner: Runner) -> Adapter:
    """Return an adapter of a class of which no more is known than its arguments; raises TargetError."""
    arguments = runner.signature(target)["arguments"]
    paths = {"single": {"foreach": False} if "foreach" in arguments else {}}
    if "foreach" in arguments:
        paths["foreach"] = {"foreach": True}
    if "fused" in arguments:
        paths["fused"] = {"fused": True}
    return Adapter(target, None, {"lr": "lr"} if "lr" in arguments else {}, {}, paths, count=None, declared=True)


def _one(target: str, rule: str | None, wanted: Wanted, runner: Runner, devices: Sequence[str]) -> list[Asked]:
    """Return what to ask of a target that is no library."""
    from stepcheck.certification.survey import check_target
    from stepcheck.certification.undeclared.description import describe

    adapter = libraries.find(target)
    if adapter is not None:
        return list(_ruled(adapter, rule, wanted, devices))
    if (entry := torch_optim_record_only.find(target)) is not None:
        return list(_unruled(entry, wanted, devices))
    request = Request(target=target, rule=rule)
    check_target(request)
    if rule is None:
        return list(_unruled(RecordOnly(replace(guessed(target, runner), declared=False)), wanted, devices))
    return list(_ruled(dataclass_codec.decode(Adapter, describe(request, runner)["adapter"]), rule, wanted, devices))


def _cells(
    adapter: Adapter, configuration: Configuration, wanted: Wanted, devices: Sequence[str], dtype: str
) -> Iterator[Cell]:
    for mode in adapter.modes:
        slow = compiles_slowly(adapter, mode) or is_eager(adapter, mode)
        if (wanted.modes and mode not in wanted.modes) or (slow and mode not in wanted.modes):
            continue
        for device in devices:
            yield Cell(adapter.target, configuration.name, mode, dtype, device)


def _dtypes(adapter: Adapter, wanted: Wanted) -> list[str]:
    """Return the dtypes to record; complex ones are not tried on strangers unless they are asked for."""
    return [
        dtype
        for dtype in FORMATS
        if dtype in wanted.dtypes or (not wanted.dtypes and (adapter.declared or not is_complex(dtype)))
    ]


def _ruled(adapter: Adapter, rule: str | None, wanted: Wanted, devices: Sequence[str]) -> Iterator[Asked]:
    from stepcheck_properties.scripts.edge_cases import edge_cases

    saved: list[Asked] = []
    for place, configuration in enumerate(adapter.configurations):
        name, _ = claimed_rule(adapter, configuration, rule)
        if name is None:
            continue
        for dtype in _dtypes(adapter, wanted):
            beside = [other for other in _COMPANY if other in _dtypes(adapter, wanted)]
            profile = SHORT if place else LONG
            made = edge_cases(
                rule=rule_of(adapter, name),
                dtype=dtype,
                profile=profile,
                fixed_hyper=configuration.fixed_hyper,
                companions=beside,
            )
            scripts = [entry.script for entry in made if not (is_complex(dtype) and entry.name in _OF_PARTS)]
            for cell in _cells(adapter, configuration, wanted, devices, dtype):
                yield _steps(adapter, cell, scripts, name)
                if dtype == "float32" and adapter.takes == "groups":
                    saved += _checkpoint(adapter, cell, scripts, name)
                    saved.append(_in_other_ways(adapter, cell, scripts, name))
    yield from saved
    yield _surface(adapter.target)


def _unruled(entry: RecordOnly, wanted: Wanted, devices: Sequence[str]) -> Iterator[Asked]:
    adapter = entry.adapter
    saved: list[Asked] = []
    for configuration in adapter.configurations:
        for dtype in _dtypes(adapter, wanted):
            scripts = unruled_scripts(entry, dtype)
            for cell in _cells(adapter, configuration, wanted, devices, dtype):
                yield _steps(adapter, cell, scripts, "")
                if dtype == "float32":
                    saved += _checkpoint(adapter, cell, scripts, "")
    yield from saved
    yield _surface(adapter.target)


def _steps(adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str) -> Asked:
    return Asked(
        _id(cell),
        STEPS,
        adapter.target,
        {"ask": "record", "scripts": [to_json(script) for script in scripts], "unread": _unread(cell)},
        dataclass_codec.encode(adapter),
        dataclass_codec.encode(cell),
        rule,
    )


def _in_other_ways(adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str) -> Asked:
    """Return what is asked of a cell that is driven in other ways, as a cell of its own: a way may round otherwise."""
    (two_groups,) = (script for script in scripts if script.label == "two_groups")
    made = _steps(adapter, cell, invocation_variants.scripts(two_groups), rule)
    return replace(made, id=f"{made.id} {OTHER_WAYS}")


def _unread(cell: Cell) -> list[str]:
    """Return the states that hold something else in every run of some release, where nobody writes them."""
    return sorted({name for issue in known_issues.ALL if issue.covers(cell) for name in issue.uninitialized})


def _checkpoint(adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str) -> Iterator[Asked]:
    """Yield what is asked of a run that is saved in the middle: the corner of reloads without its reloads."""
    for script in scripts:
        if script.label == CHECKPOINTED:
            plain = replace(script, steps=tuple(replace(step, reload="") for step in script.steps))
            request = {"ask": "checkpoint", "script": to_json(plain), "at": SAVED_AT}
            plain_adapter, plain_cell = dataclass_codec.encode(adapter), dataclass_codec.encode(cell)
            yield Asked(f"{_id(cell)} checkpoint", CHECKPOINT, adapter.target, request, plain_adapter, plain_cell, rule)


def _surface(target: str) -> Asked:
    return Asked(f"{_short(target)} api", SURFACE, target, {"ask": "surface", "target": target})


def _schedules() -> Iterator[Asked]:
    for recipe in scheduler_recipes.ALL:
        yield Asked(f"{recipe['name']} schedule", SCHEDULE, recipe["target"], {"ask": "schedule", "recipe": recipe})
    yield Asked("lr_scheduler api", SURFACE, f"{TORCH}.lr_scheduler", {"ask": "schedulers"})


def _id(cell: Cell) -> str:
    """Return the cell in print; of classes outside torch.optim with the whole target, so that no two are alike."""
    name = cell.target.rpartition(":")[2].rpartition(".")[2]
    return cell.id.replace(name, _short(cell.target), 1)


def _short(target: str) -> str:
    return target.removeprefix(f"{TORCH}.")
