"""What a code or a word in a report means."""

from __future__ import annotations

import textwrap

from stepcheck.certification.request import WrongRequest
from stepcheck_properties.law import Law
from stepcheck_properties.laws import ALL
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import MEANINGS

WORDS = {
    **{str(verdict): meaning for verdict, meaning in MEANINGS.items()},
    "stepwise": "all state of the subject is seen, so each step is checked from the state observed before it",
    "theta_only": "parameters are seen and state is not mapped, so state keeps a running ball",
    "trajectory": "only parameters are seen, so the envelope widens from step to step",
    "ratio": "the error in units of the radius: 1 is the edge of the envelope, and there is no tolerance beside it",
}
"""Words of a report that are not codes of laws."""


FAMILIES = {
    "SC1": "The rule: every step lands where the oracle says",
    "SC2": "Contracts that every optimizer owes",
    "SC3": "Invariants of rules",
    "SC4": "Equivalences between rules",
    "SC5": "Bias-correction limits",
    "SC6": "Convergence",
}
"""What laws are about, by how their codes begin."""


def law_listing() -> str:
    """Return one paragraph a law, under a heading for each family."""
    parts = []
    for start, heading in FAMILIES.items():
        inside = [law for law in ALL if law.code.startswith(start)]
        if inside:
            told = "\n".join(f"{law.code}  {law.title}\n{_paragraph(law.sentence, '       ')}" for law in inside)
            parts.append(f"{heading}\n\n{told}")
    return "\n\n".join(parts)


def explain(code: str) -> str:
    """Return what ``code`` means; raises WrongRequest for one that is not known."""
    for law in ALL:
        if law.code.lower() == code.lower():
            return _law(law)
    if code.lower() in WORDS:
        return f"{code.lower()}: {WORDS[code.lower()]}"
    raise WrongRequest(unknown("code", code, [*(law.code for law in ALL), *WORDS]))


def _law(law: Law) -> str:
    lines = [f"{law.code}  {law.title}", "", _paragraph(law.sentence), ""]
    lines += [f"Applies to  {law.condition}", f"Counts      {law.unit}", f"Source      {law.source}"]
    lines += [f"Proved      {law.theorem} (stepcheck prove)"] if law.theorem else []
    lines += [
        f"Since       {law.since}",
        "",
        law.mathematics,
        "",
        "What to do",
        law.remedy,
        "",
        "Breaks it",
        law.example,
    ]
    return "\n".join(lines)


def _paragraph(text: str, indent: str = "") -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=indent, subsequent_indent=indent)
