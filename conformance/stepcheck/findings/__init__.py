"""Known findings in released torch: one file each, and one line in ``ALL``."""

from __future__ import annotations

from stepcheck.expected_broken import Finding
from stepcheck.findings.compiled_zero_dimensions import COMPILED_ZERO_DIMENSIONS
from stepcheck.findings.folded_step_size_zero import ZERO_RATE
from stepcheck.findings.foreach_narrow_scalars import FOREACH_ADAM, FOREACH_SGD
from stepcheck.findings.fused_gaps import FUSED_GAPS
from stepcheck.findings.fused_sgd import FUSED_SGD_LATE_GRADIENT, FUSED_SGD_NARROW

ALL: tuple[Finding, ...] = (
    FOREACH_ADAM,
    FOREACH_SGD,
    ZERO_RATE,
    FUSED_GAPS,
    FUSED_SGD_NARROW,
    FUSED_SGD_LATE_GRADIENT,
    COMPILED_ZERO_DIMENSIONS,
)
"""Every finding, in the order reports list them."""
