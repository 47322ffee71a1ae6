"""What a target offers, put together from answers of whoever may import it; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import MODES, Adapter
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.claim import Claim
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS


class Fits(Protocol):
    """Whoever may try a target."""

    def fit(self, target: str, claim: Claim, *, steps: int = 3) -> dict[str, Any]:
        """Return it matched to ``claim`` (see ``fit.Fit``), or {"ended": why} where trying it ended its process."""


class Source(Fits, Protocol):
    """Whoever may import a target: worker processes, or this one for objects handed over in Python."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""

    def signature(self, target: str) -> dict[str, Any]:
        """Return what it takes: "signature" in words, "arguments" and "defaults"."""

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused, "" where it is not, ``None`` where trying it ended or stopped the worker."""


def describe(source: Source, target: str, claim: Claim | None = None) -> dict[str, Any]:
    """Return what ``target`` offers, as JSON values.

    Its keys: "adapter" (see ``wire.adapter_from_plain``), "signature", "defaults" (alphabet name to value),
    "reads" (why little or nothing that it holds was seen, or ""), "availability" (a list of mode, dtype, device and
    reason, which is "" where a cell can be run), and the environment's. A target without an adapter of its own gets
    one that matches it to ``claim``. Raises TargetError and NoMatch.
    """
    environment = source.environment()
    signature = source.signature(target)
    adapter = libraries.find(target)
    if adapter is not None:
        found = {**signature, "defaults": _defaults(adapter, signature["defaults"]), "reads": ""}
    elif claim is None:
        raise TargetError(f"{target}: has no adapter of its own, so say which rule it follows")
    else:
        found = fit(source, target, claim)
        adapter = dataclass_codec.decode(Adapter, found["adapter"])
    return {
        **environment,
        "target": target,
        "signature": found["signature"],
        "arguments": signature["arguments"],
        "defaults": found["defaults"],
        "reads": found["reads"],
        "adapter": dataclass_codec.encode(adapter),
        "availability": _availability(source, adapter, environment["devices"]),
    }


def fit(source: Fits, target: str, claim: Claim) -> dict[str, Any]:
    """Return ``target`` matched to ``claim``; what ends its process is tried for fewer steps, then by names."""
    ended = ""
    for steps in (3, 1, 0):
        found = source.fit(target, claim, steps=steps)
        if "ended" not in found:
            return {**found, "reads": found["reads"] or ended}
        ended = ended or str(found["ended"])
    raise TargetError(f"{target}: trying it: {ended}")


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
    return "an update function has one path" if adapter.source else f"its constructor has no argument {mode!r}"


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
