"""Plans: which cells a request asks for, what each is held to, and why some are not judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stepcheck.certification.request import Request, WrongRequest, claim
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell, compiles_slowly, is_eager
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell and the name of its rule; ``verdict`` and ``reason`` are set where it is not judged.

    ``fixed_hyper`` are hyper-parameters that do not vary here; ``companions`` are dtypes that may stand beside
    the cell's in one script; ``modes`` are the execution paths there are beside the cell's own, and ``arguments`` the
    names that the subject's constructor takes. Of the cells that differ in dtype alone, one is ``representative``: a
    profile that asks for something in one dtype means that one.
    """

    cell: Cell
    rule: str
    fixed_hyper: Mapping[str, float]
    companions: tuple[str, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    modes: tuple[str, ...] = ()
    arguments: frozenset[str] = frozenset()
    representative: bool = True


def plan(
    request: Request,
    adapter: Adapter,
    availability: Iterable[Mapping[str, str]],
    devices: Iterable[str],
    arguments: Iterable[str] = (),
) -> tuple[Planned, ...]:
    """Return the cells of ``request`` in the order configuration, mode, dtype, device.

    ``availability`` gives mode, dtype, device and the reason why the subject refuses them, "" where it
    does not; ``arguments`` are the names that its constructor takes. Raises WrongRequest for a device the worker
    does not have.
    """
    there = tuple(devices)
    chosen = _devices(request.devices, there)
    dtypes = [dtype for dtype in FORMATS if not request.dtypes or dtype in request.dtypes]
    listed = request.modes or libraries.library_modes(adapter)
    modes = [mode for mode in MODES if mode in listed]
    refusals = {(row["mode"], row["dtype"], row["device"]): row["reason"] for row in availability}
    fixed, maps = tuple(request.fixed.items()), tuple(request.maps.items())
    planned: list[Planned] = []
    for configuration in adapter.configurations:
        rule, unclaimed = claim(adapter, configuration, request.rule)
        fixed_hyper = {**configuration.fixed_hyper, **request.fixed}
        clash = [name for name, value in configuration.fixed_hyper.items() if request.fixed.get(name, value) != value]
        for mode in modes:
            slow = compiles_slowly(adapter, mode)
            later = slow or is_eager(adapter, mode)
            for dtype in dtypes:
                for device in chosen:
                    cell = Cell(request.target, configuration.name, mode, dtype, device, fixed, maps)
                    verdict, reason = None, refusals.get((mode, dtype, device), "")
                    if rule is None:
                        verdict, reason = Verdict.NOT_APPLICABLE, unclaimed
                    elif clash:
                        verdict = Verdict.NOT_APPLICABLE
                        reason = f"this configuration has {clash[0]}={configuration.fixed_hyper[clash[0]]!r}"
                    elif reason:
                        verdict = Verdict.NOT_APPLICABLE
                    elif slow and mode not in request.modes and adapter.compiler == "own":
                        verdict = Verdict.NOT_RUN
                        reason = "compiled takes seconds for every shape and hyper-parameter; ask with --mode compiled"
                    elif later and mode not in request.modes and request.profile == "quick":
                        verdict = Verdict.NOT_RUN
                        reason = f"{mode} runs from --profile standard on, or with --mode {mode}"
                    elif is_complex(dtype) and not adapter.declared and dtype not in request.dtypes:
                        verdict = Verdict.NOT_RUN
                        reason = f"complex tensors are not claimed of every optimizer; ask with --dtype {dtype}"
                    beside = tuple(
                        name
                        for name in FORMATS
                        if not refusals.get((mode, name, device), "")
                        and (adapter.declared or name in request.dtypes or not is_complex(name))
                    )
                    paths = tuple(
                        name for name in MODES if name in adapter.modes and refusals.get((name, dtype, device)) == ""
                    )
                    told = " ".join(reason.split())
                    planned.append(
                        Planned(cell, rule or "", fixed_hyper, beside, verdict, told, paths, frozenset(arguments))
                    )
    return tuple(_led(planned))


def _led(planned: Sequence[Planned]) -> Iterator[Planned]:
    """Yield ``planned`` with the leading cells marked: those in float32, else in the first dtype that is judged."""
    leading: dict[Cell, Planned] = {}
    for entry in planned:
        if entry.verdict is None:
            place = replace(entry.cell, dtype="")
            if entry.cell.dtype == "float32":
                leading[place] = entry
            leading.setdefault(place, entry)
    for entry in planned:
        yield replace(entry, representative=leading.get(replace(entry.cell, dtype="")) is entry)


_HEAVY = {"complex128": 2, "float64": 1}
"""Cells that take longest are judged first, so that the last judges end together."""


def batches(planned: Sequence[Planned], open_: Sequence[int], jobs: int) -> list[list[int]]:
    """Return the cells ``open_`` in lots, each for one judge, in the order in which they are handed out.

    The modes of one configuration and dtype are one lot, because they are put through the same scripts; where
    that leaves few lots a judge, and in compiled mode, each cell is one. Classes follow one another.
    """
    alone = [number for number in open_ if planned[number].cell.mode == "compiled"]
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for number in open_:
        cell = planned[number].cell
        if cell.mode != "compiled":
            groups.setdefault((cell.target, cell.configuration, cell.dtype, cell.device), []).append(number)
    targets = list(dict.fromkeys(planned[number].cell.target for number in open_))
    order = sorted(groups, key=lambda key: (targets.index(key[0]), -_HEAVY.get(key[2], 0)))
    together = [groups[key] for key in order]
    if len(together) < _LOTS_A_JUDGE * jobs:
        together = [[number] for lot in together for number in lot]
    return [[number] for number in alone] + together


_LOTS_A_JUDGE = 4


def _devices(asked: tuple[str, ...], there: tuple[str, ...]) -> list[str]:
    if not asked:
        return list(there)
    for device in asked:
        if not any(name == device or name.startswith(f"{device}:") for name in there):
            raise WrongRequest(unknown("device", device, there))
    return [name for name in there if any(name == device or name.startswith(f"{device}:") for device in asked)]
