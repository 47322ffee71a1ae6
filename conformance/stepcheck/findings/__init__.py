"""Known findings in released torch: one file each, and one line in ``ALL``."""

from __future__ import annotations

from stepcheck.expected_broken import Finding
from stepcheck.findings.folded_step_size_zero import ZERO_RATE
from stepcheck.findings.foreach_narrow_scalars import FOREACH_ADAM, FOREACH_DAMPENED, FOREACH_MOMENTUM
from stepcheck.findings.fused_gaps import FUSED_GAPS_ADAM, FUSED_GAPS_DAMPENED, FUSED_GAPS_MOMENTUM, FUSED_GAPS_SGD
from stepcheck.findings.fused_sgd import (
    FUSED_DAMPENED_UNMOVED,
    FUSED_MOMENTUM_UNMOVED,
    FUSED_SGD_UNMOVED,
    LATE_DAMPENED,
    LATE_MOMENTUM,
)

ALL: tuple[Finding, ...] = (
    FOREACH_ADAM,
    FOREACH_MOMENTUM,
    FOREACH_DAMPENED,
    ZERO_RATE,
    FUSED_GAPS_ADAM,
    FUSED_GAPS_SGD,
    FUSED_GAPS_MOMENTUM,
    FUSED_GAPS_DAMPENED,
    FUSED_SGD_UNMOVED,
    FUSED_MOMENTUM_UNMOVED,
    FUSED_DAMPENED_UNMOVED,
    LATE_MOMENTUM,
    LATE_DAMPENED,
)
"""Every finding, in the order reports list them."""
