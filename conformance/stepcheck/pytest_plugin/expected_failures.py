"""``expected_failures`` of ``cases``: the laws that a user expects to be broken, where, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from stepcheck.certification.request import WrongRequest
from stepcheck_properties.laws import ALL
from stepcheck_reference.suggest import unknown

Key = str | tuple[str, str]
"""A law's code, or such a code and a shell pattern of cells, as in ("SC101", "*-bfloat16-*")."""


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """Law ``code`` is expected to be broken, for ``reason``, in cells whose name in a test id matches ``pattern``."""

    code: str
    pattern: str
    reason: str


def expected_failures(entries: Mapping[Key, str] | None) -> tuple[ExpectedFailure, ...]:
    """Return ``entries`` as records; raises WrongRequest where a key names no law or a reason is empty."""
    return tuple(_entry(key, reason) for key, reason in (entries or {}).items())


def _entry(key: object, reason: object) -> ExpectedFailure:
    pair = (key, "*") if isinstance(key, str) else key
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
        raise WrongRequest(
            f'expected_failures={key!r}, but should be a law\'s code or a pair, as in ("SC101", "*-bfloat16-*")'
        )
    code, pattern = pair
    codes = [law.code for law in ALL]
    if code not in codes:
        raise WrongRequest(unknown("expected_failures", code, codes))
    if not isinstance(reason, str) or not reason.strip():
        raise WrongRequest(f"expected_failures[{code}]={reason!r}, but should say why {code} is broken")
    return ExpectedFailure(code, pattern, reason)


def expected_reason(entries: Iterable[ExpectedFailure], code: str, cell: str) -> str:
    """Return why law ``code`` is expected to be broken in ``cell`` (its name in a test id), "" where it is not."""
    reasons = (entry.reason for entry in entries if entry.code == code and fnmatchcase(cell, entry.pattern))
    return next(reasons, "")
