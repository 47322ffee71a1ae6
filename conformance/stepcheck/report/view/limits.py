"""Limits of a verdict: arguments that kept one value, what is refused, and dtypes that were not asked for."""

from __future__ import annotations

from collections.abc import Sequence

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck_reference.formats import is_complex
from stepcheck_reference.verdict import Verdict


def limits(certificate: Certificate) -> list[str]:
    """Return what the verdict says nothing about, as in "weight_decay=0 throughout" and "complex not asked"."""
    findings = certificate.findings
    if findings.matched is None:
        return []
    constant = {**{name: f"{value!r}" for name, value in findings.fixed.items()}, **findings.matched.unexercised}
    listed = ", ".join(f"{name}={value}" for name, value in constant.items())
    refused = ", ".join(sentence.partition(" (")[0] for sentence in findings.matched.refuses)
    parts = [f"{listed} throughout"] if listed else []
    parts += [f"refuses {refused}"] if refused else []
    return [*parts, *_complex(certificate.cells)]


def _complex(cells: Sequence[CellResult]) -> list[str]:
    """Return that complex dtypes were not asked for, where they were not."""
    left_out = any(is_complex(cell.dtype) and cell.verdict is Verdict.NOT_RUN for cell in cells)
    judged = any(is_complex(cell.dtype) and cell.scripts for cell in cells)
    return ["complex not asked"] if left_out and not judged else []
