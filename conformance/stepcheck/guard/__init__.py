"""Guard: what optimizers do under one torch is recorded, and said of another to be identical, rounding or changed.

    import stepcheck

    stepcheck.guard.record("tests/optimizer-baseline")
    checked = stepcheck.guard.check("tests/optimizer-baseline")
    assert not checked.failing()

Importing this imports nothing heavy; a name is imported on first use. The modules of ``record`` and ``check`` are
``recording`` and ``checking``: ones that were named like the functions would hide them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck.guard.baselines.baseline import BadBaseline, Baseline
    from stepcheck.guard.check_baseline import check
    from stepcheck.guard.comparison.check_result import Checked
    from stepcheck.guard.comparison.difference import Change, Difference, Point
    from stepcheck.guard.corpus.corpus import Wanted, wanted
    from stepcheck.guard.environments.torch_source import Site
    from stepcheck.guard.record_baseline import record

__all__ = [
    "BadBaseline",
    "Baseline",
    "Change",
    "Checked",
    "Difference",
    "Point",
    "Site",
    "Wanted",
    "check",
    "record",
    "wanted",
]

_HOMES = {
    "BadBaseline": "baselines.baseline",
    "Baseline": "baselines.baseline",
    "Change": "comparison.difference",
    "Checked": "comparison.check_result",
    "Difference": "comparison.difference",
    "Point": "comparison.difference",
    "Site": "environments.torch_source",
    "Wanted": "corpus.corpus",
    "check": "check_baseline",
    "record": "record_baseline",
    "wanted": "corpus.corpus",
}


def __getattr__(name: str) -> Any:
    """Import ``name`` from the module that holds it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stepcheck.guard' has no attribute {name!r}")
    value = getattr(import_module(f"stepcheck.guard.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
