"""A broken report names the rule that the subject does keep, if one holds in that very cell."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepcheck
from stepcheck.report.markdown import render as markdown
from stepcheck.report.text import render

pytestmark = pytest.mark.usefixtures("shared_fork_server")

HEAVY_BALL = """\
import torch


class Heavy(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                buffer = state.setdefault("momentum_buffer", torch.zeros_like(p))
                buffer.mul_(group["momentum"]).add_(p.grad)
                p.sub_(FACTOR * buffer)
        return loss
"""


def certified(folder: Path, factor: str) -> stepcheck.Certificate:
    (folder / "heavy.py").write_text(HEAVY_BALL.replace("FACTOR", factor))
    return stepcheck.certify(f"{folder}/heavy.py:Heavy", rule="nesterov", dtypes=["float32"], modes=["single"], jobs=1)


def test_momentum_that_claims_to_be_nesterov_keeps_momentum(tmp_path: Path) -> None:
    certificate = certified(tmp_path, 'group["lr"]')
    assert certificate.exit_code() == 1
    kept = certificate.findings.keeps
    assert kept is not None
    assert (kept.rule, kept.cell) == ("momentum", certificate.cells[0].id)
    assert "it keeps       momentum, in Heavy" in render(certificate)
    assert "it keeps: momentum" in markdown(certificate)


def test_no_rule_is_named_where_none_holds(tmp_path: Path) -> None:
    certificate = certified(tmp_path, '1.01 * group["lr"]')
    assert certificate.exit_code() == 1
    assert certificate.findings.keeps is None
