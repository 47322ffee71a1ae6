"""The corpus: every cell of a selection, with the scripts that it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from types import MappingProxyType

from stepcheck import known_issues
from stepcheck.certification.plan import rule_of
from stepcheck.certification.request import Request, WrongRequest, claimed_rule
from stepcheck.certification.runner import Runner
from stepcheck.guard.corpus import variant_scripts
from stepcheck.guard.corpus.cell_spec import (
    VARIANTS,
    CellSpec,
    api_spec,
    checkpoint_specs,
    library_spec,
    schedule_specs,
    steps_spec,
)
from stepcheck.guard.corpus.selection import TORCH, Selection
from stepcheck.guard.corpus.unruled_scripts import scripts as unruled_scripts
from stepcheck_implementations.adapters import libraries, torch_optim_record_only
from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration, compiles_slowly, is_eager
from stepcheck_implementations.adapters.torch_optim_record_only import RecordOnly
from stepcheck_properties.profile import Profile
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.scripts.script import Script

SHORT = Profile(
    "guard",
    examples=0,
    max_steps=1,
    bulk_elements=112,
    bulk_steps=2,
    reductions=0,
    long_steps=MappingProxyType(dict.fromkeys(FORMATS, 12)),
    in_this_dtype=False,
)
"""Edge cases alone, with enough elements for whole blocks of a vector kernel."""

LONG = replace(SHORT, long_steps=MappingProxyType({**SHORT.long_steps, "bfloat16": 300}))
"""The same with a step count that passes 256, from where bfloat16 cannot represent every integer; for one configuration
of each class."""

IN_FLOAT32 = replace(LONG, in_this_dtype=True, most_tensors=112, largest_tensor=0, in_plain_mode=False)
"""The same with the edge cases of memory, in one dtype, since they are not about formats.

Those of a large tensor and of a long run are left out: every step of theirs would have to lie in the baseline."""

_NOT_COMPLEX = ("epsilons", "many_steps", "scheduled", "short_memory", "shrinking_gradients", "zero_rate")
"""Edge cases about the size of numbers: complex tensors skip them, since they are updated as pairs of reals."""

_COMPANIONS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def corpus(selection: Selection, runner: Runner) -> list[CellSpec]:
    """Return the specs of every cell, class after class; ``runner`` says which devices and classes there are.

    Raises WrongRequest for an unknown target or device.
    """
    available = list(runner.environment()["devices"])
    names = selection.devices
    devices = [name for name in available if not names or name in names or name.split(":")[0] in names]
    if not devices:
        raise WrongRequest(f"device={', '.join(names)}, but should be one of {', '.join(available)}")
    specs: list[CellSpec] = []
    for target, rule in selection.targets:
        if members := libraries.members(target):
            specs += _library(target, members, selection, runner, devices)
        else:
            specs += _class(target, rule, selection, runner, devices)
    return _without_repetitions(specs)


def _without_repetitions(specs: Iterable[CellSpec]) -> list[CellSpec]:
    """Return ``specs`` without repetitions; raises WrongRequest where one cell has two specs."""
    by_name: dict[str, CellSpec] = {}
    for spec in specs:
        if by_name.setdefault(spec.id, spec) != spec:
            raise WrongRequest(f"target={spec.target}, but it is given twice, with different rules")
    return list(by_name.values())


def _library(
    library: str, members: Sequence[Adapter], selection: Selection, runner: Runner, devices: Sequence[str]
) -> Iterator[CellSpec]:
    """Yield the specs of every class of a library, those without an adapter among them."""
    described = {adapter.target for adapter in members}
    for adapter in members:
        yield from _ruled(adapter, None, selection, devices)
    if library == TORCH:
        for entry in torch_optim_record_only.ALL:
            yield from _unruled(entry, selection, devices)
            described.add(entry.adapter.target)
    for name in runner.optimizers(library):
        if f"{library}.{name}" not in described:
            yield from _unruled(RecordOnly(guessed_adapter(f"{library}.{name}", runner)), selection, devices)
    if library == TORCH:
        yield from schedule_specs()
        yield library_spec(library)


def _class(
    target: str, rule: str | None, selection: Selection, runner: Runner, devices: Sequence[str]
) -> Iterator[CellSpec]:
    """Yield the specs of a target that is no library."""
    from stepcheck.certification.survey import check_target
    from stepcheck.certification.undeclared.description import describe

    adapter = libraries.find(target)
    if adapter is not None:
        yield from _ruled(adapter, rule, selection, devices)
    elif (entry := torch_optim_record_only.find(target)) is not None:
        yield from _unruled(entry, selection, devices)
    else:
        request = Request(target=target, rule=rule)
        check_target(request)
        if rule is None:
            undeclared = replace(guessed_adapter(target, runner), declared=False)
            yield from _unruled(RecordOnly(undeclared), selection, devices)
        else:
            adapter = dataclass_codec.decode(Adapter, describe(request, runner)["adapter"])
            yield from _ruled(adapter, rule, selection, devices)


def guessed_adapter(target: str, runner: Runner) -> Adapter:
    """Return an adapter of a class without one, from the names of its arguments; raises TargetError."""
    arguments = runner.signature(target)["arguments"]
    paths = {"single": {"foreach": False} if "foreach" in arguments else {}}
    if "foreach" in arguments:
        paths["foreach"] = {"foreach": True}
    if "fused" in arguments:
        paths["fused"] = {"fused": True}
    return Adapter(target, None, {"lr": "lr"} if "lr" in arguments else {}, {}, paths, count=None, declared=True)


def _ruled(adapter: Adapter, rule: str | None, selection: Selection, devices: Sequence[str]) -> Iterator[CellSpec]:
    """Yield the specs of a class with a rule; in float32 with checkpoints and variants of how it is called."""
    from stepcheck_properties.scripts.edge_cases import edge_cases

    after: list[CellSpec] = []
    for index, configuration in enumerate(adapter.configurations):
        name, _ = claimed_rule(adapter, configuration, rule)
        if name is None:
            continue
        for dtype in _dtypes(adapter, selection):
            cases = edge_cases(
                rule=rule_of(adapter, name),
                dtype=dtype,
                profile=SHORT if index else IN_FLOAT32 if dtype == "float32" else LONG,
                fixed_hyper=configuration.fixed_hyper,
                companions=[other for other in _COMPANIONS if other in _dtypes(adapter, selection)],
            )
            scripts = [case.script for case in cases if not (is_complex(dtype) and case.name in _NOT_COMPLEX)]
            for cell in _cells(adapter, configuration, selection, devices, dtype):
                yield steps_spec(adapter, cell, _repeatable(cell, scripts), name, _unread(cell))
                if dtype == "float32" and adapter.takes == "groups":
                    after += checkpoint_specs(adapter, cell, scripts, name)
                    after.append(_variants(adapter, cell, scripts, name))
    yield from after
    yield api_spec(adapter.target)


def _unruled(entry: RecordOnly, selection: Selection, devices: Sequence[str]) -> Iterator[CellSpec]:
    """Yield the specs of a class without a rule, whose numbers have no envelope."""
    adapter = entry.adapter
    after: list[CellSpec] = []
    for configuration in adapter.configurations:
        for dtype in _dtypes(adapter, selection):
            scripts = unruled_scripts(entry, dtype)
            for cell in _cells(adapter, configuration, selection, devices, dtype):
                yield steps_spec(adapter, cell, scripts, "", _unread(cell))
                if dtype == "float32":
                    after += checkpoint_specs(adapter, cell, scripts, "")
    yield from after
    yield api_spec(adapter.target)


def _dtypes(adapter: Adapter, selection: Selection) -> list[str]:
    """Return the dtypes to record; complex ones of undeclared classes only where they are named."""
    return [
        dtype
        for dtype in FORMATS
        if dtype in selection.dtypes or (not selection.dtypes and (adapter.declared or not is_complex(dtype)))
    ]


def _cells(
    adapter: Adapter, configuration: Configuration, selection: Selection, devices: Sequence[str], dtype: str
) -> Iterator[Cell]:
    """Yield the cells of one configuration and dtype; slow modes only where they are named."""
    for mode in adapter.modes:
        slow = compiles_slowly(adapter, mode) or is_eager(adapter, mode)
        if mode in selection.modes or (not selection.modes and not slow):
            for device in devices:
                yield Cell(adapter.target, configuration.name, mode, dtype, device)


def _variants(adapter: Adapter, cell: Cell, scripts: Sequence[Script], rule: str) -> CellSpec:
    """Return the spec of variants of how a cell is called: a cell of its own, since some may round differently."""
    (two_groups,) = (script for script in scripts if script.label == "two_groups")
    spec = steps_spec(adapter, cell, variant_scripts.scripts(two_groups), rule, _unread(cell))
    return replace(spec, id=f"{spec.id} {VARIANTS}")


def _unread(cell: Cell) -> list[str]:
    """Return the states that a known issue leaves uninitialised, so that they hold other bits in every run."""
    return sorted({name for issue in known_issues.ALL if issue.covers(cell) for name in issue.uninitialized})


def _repeatable(cell: Cell, scripts: Sequence[Script]) -> list[Script]:
    """Return ``scripts`` without what makes a known issue of ``cell`` read memory that differs in every run."""
    avoid = [issue.avoid_chance for issue in known_issues.ALL if issue.avoid_chance is not None and issue.covers(cell)]
    return [reduce(lambda changed, each: each(changed), avoid, script) for script in scripts]
