"""Profiles are short in tests of the plugin: what it reports is examined, and not what certify finds."""

from __future__ import annotations

import pytest

from short_profiles import SHORT_PROFILES
from stepcheck_properties import profile


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "ALL", SHORT_PROFILES)
