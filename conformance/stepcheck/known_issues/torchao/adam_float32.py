"""torchao's Adam and AdamW compute in float32."""

from __future__ import annotations

from stepcheck.known_issues.float32_computation import float32_issues

TORCHAO_FLOAT32, TORCHAO_FLOAT32_REST, TORCHAO_FLOAT32_NO_RATE = float32_issues(
    "torchao-float64",
    "torchao's Adam and AdamW convert parameter, gradient and state to float32, compute there, and convert back. A "
    "float64 parameter therefore keeps 7 of its 16 digits from the first step on, even where its gradient is 0. No "
    "error is raised.",
    "torchao's Adam and AdamW convert",
    ("torchao.optim.*",),
    "torchao",
)
