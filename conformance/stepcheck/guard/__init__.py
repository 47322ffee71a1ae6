"""Guard: optimizers are recorded under one torch, and compared with what they do under another.

    import stepcheck

    stepcheck.guard.record("tests/optimizer-baseline")
    result = stepcheck.guard.check("tests/optimizer-baseline")
    assert not result.failing()

Importing this imports nothing heavy; a name is imported on first use. The modules of ``record`` and ``check`` are
``record_baseline`` and ``check_baseline``: a module of a function's name would hide it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck.guard.baselines.baseline import Baseline
    from stepcheck.guard.baselines.baseline_files import BadBaseline
    from stepcheck.guard.check_baseline import check
    from stepcheck.guard.comparison.check_result import CheckResult
    from stepcheck.guard.comparison.difference import Change, Difference, Point
    from stepcheck.guard.corpus.selection import Selection, select
    from stepcheck.guard.environments.torch_source import TorchSource
    from stepcheck.guard.record_baseline import record

__all__ = [
    "BadBaseline",
    "Baseline",
    "Change",
    "CheckResult",
    "Difference",
    "Point",
    "Selection",
    "TorchSource",
    "check",
    "record",
    "select",
]

_MODULES = {
    "BadBaseline": "baselines.baseline_files",
    "Baseline": "baselines.baseline",
    "Change": "comparison.difference",
    "CheckResult": "comparison.check_result",
    "Difference": "comparison.difference",
    "Point": "comparison.difference",
    "Selection": "corpus.selection",
    "TorchSource": "environments.torch_source",
    "check": "check_baseline",
    "record": "record_baseline",
    "select": "corpus.selection",
}


def __getattr__(name: str) -> Any:
    """Import ``name`` from its module (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'stepcheck.guard' has no attribute {name!r}")
    value = getattr(import_module(f"stepcheck.guard.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
