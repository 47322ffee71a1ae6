"""Known findings in released torch: one file each, and one line in ``ALL``."""

from __future__ import annotations

from stepcheck.expected_broken import Finding

ALL: tuple[Finding, ...] = ()
"""Every finding, in the order reports list them."""
