"""The plan: which cells a request asks for, the rule of each, and why some are not judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from stepcheck.certification.certificate import CellResult
from stepcheck.certification.request import Request, WrongRequest, claimed_rule
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import (
    COMPENSATION,
    MASTER,
    MODES,
    Adapter,
    Cell,
    Configuration,
    companion,
    compiles_slowly,
    is_eager,
)
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import Verdict

if TYPE_CHECKING:
    from stepcheck_reference.domain import Domain
    from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell and its rule; ``verdict`` and ``reason`` are set where it is not judged, and ``rule`` may be None then.

    ``fixed_hyper`` are hyper-parameters that do not vary here; ``companions`` are dtypes that other tensors of a script
    may have; ``modes`` are the execution paths that the subject has in this dtype on this device, and ``arguments`` the
    names that its constructor takes. Of the cells that differ in dtype alone, one is ``representative``: a profile that
    runs format-independent laws in one dtype runs them in that one. Of those that differ in configuration alone, one is
    of the ``first_configuration``: such a profile tries the longest runs and the largest sizes there.
    """

    cell: Cell
    rule: Rule | None
    fixed_hyper: Mapping[str, float]
    companions: tuple[str, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    modes: tuple[str, ...] = ()
    arguments: frozenset[str] = frozenset()
    representative: bool = True
    first_configuration: bool = True

    def result(self, verdict: Verdict, **fields: Any) -> CellResult:
        """Return the cell's result with ``verdict`` and other ``fields`` of ``CellResult``."""
        cell = self.cell
        return CellResult(
            id=cell.id,
            configuration=cell.configuration,
            mode=cell.mode,
            dtype=cell.dtype,
            device=cell.device,
            target=cell.target,
            rule=self.rule.name if self.rule is not None else "",
            verdict=verdict,
            **fields,
        )

    def unjudged(self) -> CellResult:
        """Return the result of a cell that is not judged."""
        return self.result(self.verdict or Verdict.NOT_RUN, reason=self.reason)


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
    does not have, and UnknownRule and RewriteError for a rule that there is not.
    """
    available = tuple(devices)
    chosen = _devices(request.devices, available)
    dtypes = [dtype for dtype in FORMATS if not request.dtypes or dtype in request.dtypes]
    requested = request.modes or libraries.library_modes(adapter)
    modes = [mode for mode in MODES if mode in requested]
    refusals = {(row["mode"], row["dtype"], row["device"]): row["reason"] for row in availability}
    if adapter.fitted:
        refusals = {key: "" if _is_requested(request, key) else reason for key, reason in refusals.items()}
    fixed, maps = tuple(request.fixed.items()), tuple(request.maps.items())
    constructor = frozenset(arguments)
    planned: list[Planned] = []
    named = rule_named_by(request, adapter)
    for configuration in adapter.configurations:
        name, unclaimed = claimed_rule(adapter, configuration, named)
        rule = None if name is None else rule_of(adapter, name)
        fixed_hyper = {**configuration.fixed_hyper, **request.fixed}
        unclaimed = unclaimed or _clash(request, configuration)
        for mode in modes:
            for dtype in dtypes:
                for device in chosen:
                    verdict, reason = None, unclaimed or refusals.get((mode, dtype, device), "")
                    reason = reason or _uncompensated(adapter, dtype)
                    if reason:
                        verdict = Verdict.NOT_APPLICABLE
                    elif reason := _left_out(request, adapter, mode, dtype) or _pair_left_out(
                        request, adapter, configuration, dtype, dtypes
                    ):
                        verdict = Verdict.NOT_RUN
                    planned.append(
                        Planned(
                            Cell(request.target, configuration.name, mode, dtype, device, fixed, maps),
                            rule,
                            fixed_hyper,
                            companions=tuple(
                                other
                                for other in FORMATS
                                if not refusals.get((mode, other, device), "")
                                and companion(other) not in adapter.refuses
                                and (adapter.declared or other in request.dtypes or not is_complex(other))
                            ),
                            verdict=verdict,
                            reason=" ".join(reason.split()),
                            modes=tuple(
                                other
                                for other in MODES
                                if other in adapter.modes and refusals.get((other, dtype, device)) == ""
                            ),
                            arguments=constructor,
                        )
                    )
    return tuple(_with_representatives(planned))


def _is_requested(request: Request, cell: tuple[str, str, str]) -> bool:
    """Whether a refusal of this mode, dtype and device is a failure, because its real dtype was asked for."""
    mode, dtype, _ = cell
    return mode == "single" and dtype in request.dtypes and not is_complex(dtype)


def rule_of(adapter: Adapter, name: str) -> Rule:
    """Return the rule called ``name``, its hyper-parameters in the domains that ``adapter``'s class accepts."""
    domains = adapter.domains or {}
    if adapter.fitted:  # what is proved of a rule at eps = 0, say, is true although the class refuses that value
        domains = {name: domain for name, domain in domains.items() if name == "lr"}
    from stepcheck_reference.rules import find

    return _narrowed_rule(find(name), tuple(domains.items()))


@cache
def _narrowed_rule(rule: Rule, domains: tuple[tuple[str, Domain], ...]) -> Rule:
    """Return the same object for the same arguments: rules are compared, and what is proved of them cached, by it."""
    narrower = {symbol: domain for key, domain in domains for symbol in rule.hyper if str(symbol) == key}
    return replace(rule, domains={**rule.domains, **narrower}) if narrower else rule


def _clash(request: Request, configuration: Configuration) -> str:
    """Return why ``configuration`` cannot have the request's fixed hyper-parameters, "" where it can."""
    for name, value in configuration.fixed_hyper.items():
        if request.fixed.get(name, value) != value:
            return f"this configuration has {name}={value!r}"
    return ""


def _left_out(request: Request, adapter: Adapter, mode: str, dtype: str) -> str:
    """Return why cells of ``mode`` and ``dtype`` are run only on request, "" where they are run."""
    chosen = mode in request.modes
    if compiles_slowly(adapter, mode) and not chosen:
        if adapter.compiler == "own":
            return "compiled takes seconds for every shape and hyper-parameter; ask with --mode compiled"
        if request.profile != "thorough":
            return "compiled takes seconds a script and minutes a cell; ask with --mode compiled or --profile thorough"
    if is_eager(adapter, mode) and not chosen and request.profile == "quick":
        return f"{mode} runs from --profile standard on, or with --mode {mode}"
    if is_complex(dtype) and not adapter.declared and dtype not in request.dtypes:
        return "not every optimizer claims to support complex tensors; ask with --dtype complex64,complex128"
    return ""


def _uncompensated(adapter: Adapter, dtype: str) -> str:
    """Return why compensated parameters of ``dtype`` are not judged, "" where they are."""
    if dtype in ("float64", "complex128") and {COMPENSATION, MASTER} & set(adapter.states):
        return f"a parameter of {dtype} with its compensation has more digits than can be compared"
    return ""


def _pair_left_out(
    request: Request, adapter: Adapter, configuration: Configuration, dtype: str, dtypes: Sequence[str]
) -> str:
    """Return why a pair of options is left out in ``dtype``, "" where it is not, as are all of libraries' classes."""
    pair = "," in configuration.name and configuration != adapter.configurations[0]
    if not adapter.fitted or not pair or request.profile != "quick":
        return ""
    alone = "float32" if "float32" in dtypes else dtypes[0]
    return "" if dtype == alone else f"pairs of options run in {alone} alone; from --profile standard on in every dtype"


def rule_named_by(request: Request, adapter: Adapter) -> str | None:
    """Return the rule that ``request`` names for ``adapter``'s configurations, None where each has its own.

    The configurations of a target without an adapter follow from the request's rule.
    """
    return None if adapter.fitted else request.rule


def _with_representatives(planned: Sequence[Planned]) -> Iterator[Planned]:
    """Yield ``planned`` with representatives marked: cells in float32, else in the first dtype that is judged.

    The first configuration is marked, too.
    """
    representatives: dict[Cell, Planned] = {}
    for entry in planned:
        if entry.verdict is None:
            group = replace(entry.cell, dtype="")
            if entry.cell.dtype == "float32":
                representatives[group] = entry
            representatives.setdefault(group, entry)
    first: dict[Cell, Planned] = {}
    for entry in planned:
        if entry.verdict is None:
            first.setdefault(replace(entry.cell, configuration=""), entry)
    for entry in planned:
        yield replace(
            entry,
            representative=representatives.get(replace(entry.cell, dtype="")) is entry,
            first_configuration=first.get(replace(entry.cell, configuration="")) is entry,
        )


_SLOW_FORMATS = {"complex128": 2, "float64": 1}
"""Formats whose cells take longest are judged first, so that all processes finish at about the same time."""

_LEAST_BATCHES = 4
"""Batches a process below which each cell is a batch of its own."""


def batches(planned: Sequence[Planned], open_: Sequence[int], jobs: int) -> list[list[int]]:
    """Return the cells ``open_`` in batches, each for one process, in the order in which they are handed out.

    The modes of one configuration and dtype are one batch, because they are put through the same scripts; where
    that leaves few batches a process, and in compiled mode, each cell is one. Classes follow one another.
    """
    alone = [number for number in open_ if planned[number].cell.mode == "compiled"]
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for number in open_:
        cell = planned[number].cell
        if cell.mode != "compiled":
            groups.setdefault((cell.target, cell.configuration, cell.dtype, cell.device), []).append(number)
    targets = list(dict.fromkeys(planned[number].cell.target for number in open_))
    order = sorted(groups, key=lambda key: (targets.index(key[0]), -_SLOW_FORMATS.get(key[2], 0)))
    together = [groups[key] for key in order]
    if len(together) < _LEAST_BATCHES * jobs:
        together = [[number] for batch in together for number in batch]
    return [[number] for number in alone] + together


def _devices(requested: tuple[str, ...], available: tuple[str, ...]) -> list[str]:
    if not requested:
        return list(available)
    for device in requested:
        if not any(name == device or name.startswith(f"{device}:") for name in available):
            raise WrongRequest(unknown("device", device, available))
    return [name for name in available if any(name == device or name.startswith(f"{device}:") for device in requested)]
