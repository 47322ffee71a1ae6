"""The meaning of codes and words in reports."""

from __future__ import annotations

import textwrap

from stepcheck.certification.request import WrongRequest
from stepcheck_properties.law import Law
from stepcheck_properties.laws import ALL
from stepcheck_properties.laws.conditions import EVERY_SUBJECT
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import MEANINGS

WORDS = {
    **{str(verdict): meaning for verdict, meaning in MEANINGS.items()},
    "stepwise": "all state is observed, so each step is checked from the state observed before it",
    "theta_only": "only parameters are observed; the bounds of unmapped state widen with every step",
    "trajectory": "only parameters are observed, so the envelope widens with every step",
    "ratio": "the error in units of the radius: 1 is the edge of the envelope; no tolerance is added",
}
"""Words in reports that are not codes of laws."""


FAMILIES = {
    "SC1": "The rule: every step is inside the envelope of the rule's equations",
    "SC2": "Contracts of every optimizer",
    "SC3": "Invariants of rules",
    "SC4": "Equivalences between rules",
    "SC5": "Bias-correction limits",
    "SC6": "Convergence",
}
"""Families of laws by the first digit of their codes."""


def law_listing() -> str:
    """Return one paragraph a law, under a heading for each family."""
    parts = []
    for prefix, heading in FAMILIES.items():
        inside = [law for law in ALL if law.code.startswith(prefix)]
        if inside:
            entries = "\n".join(f"{law.code}  {law.title}\n{_paragraph(law.sentence, '       ')}" for law in inside)
            parts.append(f"{heading}\n\n{entries}")
    return "\n\n".join(parts)


def explain(code: str) -> str:
    """Return what ``code`` means; raises WrongRequest for an unknown one."""
    for law in ALL:
        if law.code.lower() == code.lower():
            return _law(law)
    if code.lower() in WORDS:
        return f"{code.lower()}: {WORDS[code.lower()]}"
    raise WrongRequest(unknown("code", code, [*(law.code for law in ALL), *WORDS]))


def _law(law: Law) -> str:
    lines = [f"{law.code}  {law.title}", "", _paragraph(law.sentence), ""]
    applies = "Applies to" if law.condition == EVERY_SUBJECT else "Applies if"
    lines += [f"{applies}  {law.condition}", f"Counts      {law.unit}", f"Source      {law.source}"]
    lines += [f"Proved      {law.theorem} (stepcheck prove)"] if law.theorem else []
    lines += [
        f"Since       {law.since}",
        "",
        law.mathematics,
        "",
        "What to do",
        law.remedy,
        "",
        "Example",
        law.example,
    ]
    return "\n".join(lines)


def _paragraph(text: str, indent: str = "") -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=indent, subsequent_indent=indent)
