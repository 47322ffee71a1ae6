"""What a target offers, put together from the answers of a process that may import it; no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import MODES, Adapter
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.classes.inheritance import inherited_adapter
from stepcheck_implementations.matching.hyper_matching import defaults_of
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS


class Fitter(Protocol):
    """What can try a target."""

    def fit(self, target: str, claim: Claim, *, steps: int = 3) -> dict[str, Any]:
        """Return it matched to ``claim`` (see ``fit.Fit``), or {"ended": why} where trying it ended its process."""


class Source(Fitter, Protocol):
    """What can import a target: worker processes, or this process for objects handed over in Python."""

    def environment(self) -> dict[str, Any]:
        """Return versions and devices."""

    def signature(self, target: str) -> dict[str, Any]:
        """Return its "signature" as text, its "arguments" and "defaults"."""

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused, "" where it is not, ``None`` where trying it ended or hung the worker."""


def describe(source: Source, target: str, claim: Claim | None = None) -> dict[str, Any]:
    """Return what ``target`` offers, as JSON values.

    Its keys: "adapter" (see ``dataclass_codec``), "signature", "defaults" (alphabet name to value),
    "reads" (why its state was not or hardly observed, or ""), "availability" (a list of mode, dtype, device and
    reason, which is "" where a cell can be run), and the environment's. A target without an adapter of its own gets
    one that matches it to ``claim``. Raises TargetError and NoMatch.
    """
    environment = source.environment()
    signature = source.signature(target)
    adapter = libraries.find(target) or (None if claim is not None else inheriting(signature, target))
    if adapter is not None:
        description = {**signature, "defaults": defaults_of(adapter.hyper, signature["defaults"]), "reads": ""}
    elif claim is None:
        raise TargetError(f"{target}: has no adapter of its own, so name the rule that it follows")
    else:
        description = fit(source, target, claim)
        adapter = dataclass_codec.decode(Adapter, description["adapter"])
    return {
        **environment,
        "target": target,
        "signature": description["signature"],
        "arguments": signature["arguments"],
        "defaults": description["defaults"],
        "reads": description["reads"],
        "adapter": dataclass_codec.encode(adapter),
        "availability": _availability(source, adapter, environment["devices"]),
    }


def inheriting(signature: dict[str, Any], target: str) -> Adapter | None:
    """Return the adapter that ``target`` inherits from a library's class, None where it inherits none."""
    arguments = set(signature["arguments"])
    adapter = inherited_adapter(target, signature["inherits"], None if signature["open_ended"] else tuple(arguments))
    if adapter is None:
        return None
    slots = {slot.partition("[")[0] for slot in adapter.hyper.values()}
    return adapter if set(signature["required"]) <= slots else None


def fit(source: Fitter, target: str, claim: Claim) -> dict[str, Any]:
    """Return ``target`` matched to ``claim``; if a trial ends its process, a shorter one is tried, then names alone."""
    ended = ""
    for steps in (3, 1, 0):
        result = source.fit(target, claim, steps=steps)
        if "ended" not in result:
            return {**result, "reads": result["reads"] or ended}
        ended = ended or str(result["ended"])
    raise TargetError(f"{target}: trying it: {ended}")


def _availability(source: Source, adapter: Adapter, devices: Iterable[str]) -> list[dict[str, str]]:
    rows = []
    for device in devices:
        for mode in MODES:
            available = mode in adapter.modes
            for dtype in FORMATS:
                reason: str | None = _absence(adapter, mode)
                if available:
                    reason = source.refusal(adapter, mode, dtype, device)
                    available = reason is not None  # else it is a failure, which the cells will report
                rows.append({"mode": mode, "dtype": dtype, "device": device, "reason": reason or ""})
    return rows


def _absence(adapter: Adapter, mode: str) -> str:
    if mode in adapter.modes:
        return ""
    if mode == "compiled":
        return "only for classes that have an adapter of their own"
    return "an update function has one path" if adapter.source else f"its constructor has no argument {mode!r}"
