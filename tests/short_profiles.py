"""Profiles for tests of what certify does with a cell: less is spent on shrinking, and the long run is short."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_properties import profile

SHORT_PROFILES = tuple(replace(entry, reductions=40, longest_run=2, most_tensors=12) for entry in profile.ALL)
"""Those that are wrong late are examined in a place of their own, tests/planted."""
