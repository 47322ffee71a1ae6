"""timm's RAdamLegacy computes in float32."""

from __future__ import annotations

from stepcheck.known_issues.float32_computation import float32_issues

TIMM_FLOAT32, TIMM_FLOAT32_REST, TIMM_FLOAT32_NO_RATE = float32_issues(
    "timm-radam-float64",
    "timm's RAdamLegacy converts parameter and gradient to float32, keeps its state there, and converts the parameter "
    "back. A float64 parameter therefore keeps 7 of its 16 digits from the first step on, even where its gradient is "
    "0. No error is raised. timm keeps the class as a reference and recommends torch's own.",
    "timm's RAdamLegacy converts",
    ("timm.optim.RAdamLegacy",),
    "timm",
)
