"""The rule that a request has brought, in a report: how it is known, and its equations."""

from __future__ import annotations

from stepcheck.certification.references.reference_record import Reference
from stepcheck.report.wording import plural, thousands


def reference_lines(reference: Reference | None) -> list[str]:
    """Return what is to be said of ``reference``, a line each; nothing where there is none."""
    if reference is None:
        return []
    words = [f"the rule {reference.target}{f', which is {reference.same_as} (proved)' if reference.same_as else ''}"]
    if reference.read:
        same = f", which are {reference.same_as} (proved)" if reference.same_as else ""
        words = [f"the equations that {reference.target} computes{same}"]
        steps = f"{thousands(reference.compared)} element-steps of {plural(reference.scripts, 'script')}"
        unverified = f"not verified: {reference.unverified}"
        words.append(unverified if reference.unverified else f"verified: it keeps them itself in {steps}")
    if reference.variants:
        words.append(f"read as well: {'; '.join(reference.variants)}")
    if reference.held:
        words.append(f"with {', '.join(f'{name}={value}' for name, value in reference.held.items())} throughout")
    return ["; ".join(words), *reference.equations]
