"""The releases that a verdict depends on: a certificate states them, and a run is resumed under the same ones alone."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stepcheck_implementations.adapters import libraries


def versions_of(target: str, environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the releases of stepcheck, of the worker's Python and torch, and of what else a verdict depends on."""
    packages = (*libraries.distributions(target), "numpy", "sympy", "hypothesis")
    return {
        "stepcheck": _version("stepcheck"),
        **{name: str(environment[name]) for name in ("torch", "python")},
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        import stepcheck

        return stepcheck.__version__ if package == "stepcheck" else "unknown"
