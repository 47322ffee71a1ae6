"""A verification in words, as a page of a reading ends with."""

from __future__ import annotations

from stepcheck.code_reading.verification import Verification
from stepcheck.report.wording import format_ratio, plural
from stepcheck_reference.alphabet import ALPHABET, Letter
from stepcheck_reference.printing.columns import hanging


def verification_lines(verification: Verification) -> str:
    """Return whether the code holds the envelope of its reading, and where it does not."""
    if verification.verified:
        held = f"{verification.compared} element-steps of {plural(verification.scripts, 'script')}"
        return "\n".join(hanging("verified    ", f"the code is in the envelope of this reading in {held}"))
    words = f"no: {verification.reason}"
    script, deviation = verification.script, verification.deviation
    if script is not None:
        words += f", in the script {script.label}"
    if deviation is not None:
        inputs = ", ".join(f"{_printed(name)}={value!r}" for name, value in deviation.inputs.items())
        words += (
            f", step {deviation.step}: {_printed(deviation.output)}={deviation.observed!r}, but should be "
            f"{deviation.expected!r} ± {deviation.radius:.2g} ({format_ratio(deviation.ratio)} radii) at {inputs}"
        )
    return "\n".join(hanging("verified    ", words))


def _printed(name: str) -> str:
    letters: dict[str, Letter] = {symbol.name: letter for symbol, letter in ALPHABET.items()}
    return letters[name].unicode if name in letters else name
