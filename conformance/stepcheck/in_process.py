"""Subjects handed over in Python: run in the caller's own process, so a crash is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepcheck_implementations import generic, torch_optim, wire
from stepcheck_implementations.subject import MODES, Adapter, Cell
from stepcheck_implementations.target import TargetError
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.script import Script
from stepcheck_reference.trajectory import Trajectory


def name_of(subject: object) -> str:
    """Return how ``subject`` is called in reports and tokens: "torch.optim.AdamW", "package.module:Name"."""
    module, name = getattr(subject, "__module__", ""), getattr(subject, "__qualname__", type(subject).__name__)
    public = f"torch.optim.{name}"
    return public if module.startswith("torch.optim.") and torch_optim.find(public) else f"{module}:{name}"


class InProcess:
    """Describes and runs one class; the part of ``Workers`` that ``certify`` needs."""

    def __init__(self, subject: Callable[..., Any]) -> None:
        self.subject = subject

    def describe(self, target: str, rule: str | None, *, fixed: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Return what ``Workers.describe`` does; raises TargetError and NoMatch."""
        from stepcheck_implementations import describe
        from stepcheck_reference.rules import find

        environment = describe.environment()
        signature = describe.of(self.subject, target)
        adapter, reason = torch_optim.find(target), ""
        if adapter is None:
            if rule is None:
                raise TargetError(f"{target}: has no adapter of its own, so say which rule it follows")
            seen = describe.keys(self.subject, signature["takes"], signature["arguments"])
            reason = seen["reason"]
            adapter = generic.adapt(
                target,
                rule,
                hyper=[str(symbol) for symbol in find(rule).hyper],
                states=[str(symbol) for symbol in find(rule).states],
                arguments=signature["arguments"],
                keys=seen["keys"],
                defaults=signature["defaults"],
                takes=seen["takes"],
                fixed=fixed,
            )
        rows = [
            {
                "mode": mode,
                "dtype": dtype,
                "device": device,
                "reason": describe.refusal(adapter, mode, dtype, device, self.subject)
                if mode in adapter.modes
                else f"{target} has no mode {mode}",
            }
            for device in environment["devices"]
            for mode in MODES
            for dtype in FORMATS
        ]
        return {**environment, "reads": reason, "adapter": wire.adapter_to_plain(adapter), "availability": rows}

    def run(self, adapter: Adapter, cell: Cell, script: Script) -> Trajectory:
        """Return what the subject does over ``script``."""
        from stepcheck_implementations import worker

        return worker.run(adapter, cell, script, subject=self.subject)
