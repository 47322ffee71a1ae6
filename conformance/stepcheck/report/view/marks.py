"""Marks: what the cell of a table says, as in "✓ 0.983", "✗ nan", "✗ crashed 0.983" or "✗ SC203"."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stepcheck.certification.certificate import CellResult
from stepcheck.report.wording import MARKS, format_ratio, verdict_name
from stepcheck_reference.scripts.trajectory import FAULTS
from stepcheck_reference.verdict import Verdict, overall


def mark(cell: CellResult) -> str:
    """Return the sign of the verdict, and the error, or law, that says most; of a fault also how the numbers are.

    Laws that require equal bits, or a value that is not a real, have no radius: where they alone are broken, the mark
    is the code of the first, and the number is left to cells with an error outside the envelope.
    """
    sign = MARKS[cell.verdict]
    if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN, Verdict.VACUOUS):
        return sign
    faults = [failure.fault for failure in cell.failures if failure.fault in FAULTS]
    if faults:
        error = _largest_error(cell)
        return f"{sign} {faults[0]}{f' {format_ratio(error)}' if error >= 0 else ''}"
    if any(failure.worst and str(failure.worst.observed) == "nan" for failure in cell.failures):
        return f"{sign} nan"
    codes, error = _broken_codes(cell), _largest_error(cell)
    if codes and error <= 1.0:
        return f"{sign} {codes[0]}{f' +{len(codes) - 1}' if len(codes) > 1 else ''}"
    return f"{sign} {format_ratio(error)}" if error >= 0 else sign


def worst_mark(cells: Sequence[CellResult]) -> str:
    """Return the mark of the cell that counts most against the class; "" where there is none."""
    if not cells:
        return ""
    verdict = overall(cell.verdict for cell in cells)
    return mark(max((cell for cell in cells if cell.verdict is verdict), key=_severity))


def legend(cells: Sequence[CellResult]) -> str:
    """Return what the marks of ``cells`` mean."""
    verdicts = {cell.verdict for cell in cells}
    signs = ", ".join(f"{MARKS[verdict]} {verdict_name(verdict)}" for verdict in MARKS if verdict in verdicts)
    codes = any(code in mark(cell) for cell in cells for code in _broken_codes(cell))
    law = "; a code is a broken law whose errors stay inside the envelope" if codes else ""
    return f"{signs}; a number is the worst error in radii (1 is the edge of the envelope){law}"


def _broken_codes(cell: CellResult) -> tuple[str, ...]:
    """Return the codes of the laws that ``cell`` breaks; those of known issues only where there are no others."""
    unexpected = [failure for failure in cell.failures if not failure.known_issue]
    return tuple(dict.fromkeys(failure.code for failure in unexpected or cell.failures))


def _largest_error(cell: CellResult) -> float:
    """Return the largest error of ``cell`` that a radius measures, in radii; -1 where there is none."""
    measured = [*cell.worst.values(), *(failure.worst for failure in cell.failures if failure.worst)]
    return max((float(worst.ratio) for worst in measured if math.isfinite(float(worst.ratio))), default=-1.0)


def _severity(cell: CellResult) -> float:
    """Return inf where the subject did not finish, else the largest error in radii."""
    unfinished = any(failure.fault in FAULTS for failure in cell.failures)
    return math.inf if unfinished else _largest_error(cell)
