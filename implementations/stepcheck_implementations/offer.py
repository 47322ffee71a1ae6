"""What a target offers, put together from answers of whoever may import it; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from stepcheck_implementations import generic, libraries, wire
from stepcheck_implementations.subject import MODES, Adapter
from stepcheck_implementations.target import TargetError
from stepcheck_reference.formats import FORMATS


class Source(Protocol):
    """Whoever may import a target: worker processes, or this one for objects handed over in Python."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""

    def signature(self, target: str) -> dict[str, Any]:
        """Return the constructor's arguments, defaults and what it takes."""

    def keys(self, target: str, takes: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Return the names of its state after one step."""

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused, "" where it is not, ``None`` where trying it ended or stopped the worker."""


def describe(
    source: Source,
    target: str,
    rule: str | None = None,
    *,
    hyper: Sequence[str] = (),
    states: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return what ``target`` offers, as JSON values.

    Its keys: "adapter" (see ``wire.adapter_from_plain``), "signature", "defaults" (alphabet name to value),
    "reads" (why nothing of its state is seen, or ""), "availability" (a list of mode, dtype, device and
    reason, which is "" where a cell can be run), and the environment's. A target without an adapter of its own gets
    a generic one for ``rule``, whose ``hyper``-parameters and ``states`` the caller names; ``fixed`` gives values
    that it holds without taking them. Raises TargetError and NoMatch.
    """
    environment = source.environment()
    signature = source.signature(target)
    adapter, reads = libraries.find(target), ""
    if adapter is None:
        if rule is None:
            raise TargetError(f"{target}: has no adapter of its own, so say which rule it follows")
        arguments = signature["arguments"]
        try:
            seen = source.keys(target, signature["takes"], arguments)
        except TargetError as error:
            seen = {"takes": signature["takes"], "keys": [], "reason": str(error)}
        reads = str(seen["reason"])
        adapter = generic.adapt(
            target,
            rule,
            hyper=hyper,
            states=states,
            arguments=arguments,
            keys=seen["keys"],
            defaults=signature["defaults"],
            takes=seen["takes"],
            fixed=fixed,
        )
    return {
        **environment,
        "target": target,
        "signature": signature["signature"],
        "defaults": _defaults(adapter, signature["defaults"]),
        "reads": reads,
        "adapter": wire.adapter_to_plain(adapter),
        "availability": _availability(source, adapter, environment["devices"]),
    }


def _availability(source: Source, adapter: Adapter, devices: Iterable[str]) -> list[dict[str, str]]:
    rows = []
    for device in devices:
        for mode in MODES:
            there = mode in adapter.modes
            for dtype in FORMATS:
                reason: str | None = _absence(adapter, mode)
                if there:
                    reason = source.refusal(adapter, mode, dtype, device)
                    there = reason is not None  # else it is a finding, which the cells will report
                rows.append({"mode": mode, "dtype": dtype, "device": device, "reason": reason or ""})
    return rows


def _absence(adapter: Adapter, mode: str) -> str:
    if mode in adapter.modes:
        return ""
    if mode == "compiled":
        return "asked only of classes that have an adapter of their own"
    return f"its constructor has no argument {mode!r}"


def _defaults(adapter: Adapter, given: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, slot in adapter.hyper.items():
        key, bracket, place = slot.partition("[")
        value = given.get(key)
        if bracket and isinstance(value, list):
            value = value[int(place.rstrip("]"))]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[name] = float(value)
    return found
