"""The Hypothesis profiles that stepcheck registers, and the stepcheck profile that ``cases`` uses under each."""

from __future__ import annotations

from types import MappingProxyType

PREFIX = "stepcheck-"

PROFILES = MappingProxyType({"stepcheck-quick": "quick", "stepcheck-ci": "standard", "stepcheck-nightly": "thorough"})
"""Each Hypothesis profile, and the stepcheck profile that it implies."""


def register() -> None:
    """Register the profiles with Hypothesis; settings that they do not name keep their values. Imports Hypothesis."""
    from hypothesis import settings

    settings.register_profile("stepcheck-quick", max_examples=20, deadline=None)
    settings.register_profile(
        "stepcheck-ci", max_examples=100, deadline=None, derandomize=True, database=None, print_blob=True
    )
    settings.register_profile("stepcheck-nightly", max_examples=1000, deadline=None, print_blob=True)
