"""stepcheck checks that an optimizer's steps follow its published update rule, and shows where they do not.

``import stepcheck`` imports neither torch, sympy, numpy nor hypothesis; a name is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck import guard
    from stepcheck.certification.certificate import CellResult, Certificate, Failure, LawResult, Worst
    from stepcheck.certification.certify import certify
    from stepcheck.certification.request import WrongRequest
    from stepcheck.code_reading.identify import identify
    from stepcheck.code_reading.read import read
    from stepcheck.pytest_plugin.cases import Case, cases
    from stepcheck_reference.verdict import Verdict

__version__ = "0.1.0"

__all__ = [
    "Case",
    "CellResult",
    "Certificate",
    "Failure",
    "LawResult",
    "Verdict",
    "Worst",
    "WrongRequest",
    "cases",
    "certify",
    "guard",
    "identify",
    "read",
]

_HOMES = {
    "Case": "stepcheck.pytest_plugin.cases",
    "CellResult": "stepcheck.certification.certificate",
    "Certificate": "stepcheck.certification.certificate",
    "Failure": "stepcheck.certification.certificate",
    "LawResult": "stepcheck.certification.certificate",
    "Verdict": "stepcheck_reference.verdict",
    "Worst": "stepcheck.certification.certificate",
    "WrongRequest": "stepcheck.certification.request",
    "cases": "stepcheck.pytest_plugin.cases",
    "certify": "stepcheck.certification.certify",
    "identify": "stepcheck.code_reading.identify",
    "read": "stepcheck.code_reading.read",
}


def __getattr__(name: str) -> Any:
    """Import ``name`` from the module that holds it (PEP 562)."""
    if name == "guard":
        return import_module("stepcheck.guard")
    if name not in _HOMES:
        raise AttributeError(f"module 'stepcheck' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
