"""Witnesses of known issues: each shows its issue here, and its program fails by itself."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import torch

from conformance.command import ROOT
from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request, claimed_rule
from stepcheck.certification.survey import Subject
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_implementations.driver.execution import run
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.rules import find
from torch_python import TorchPython

if TYPE_CHECKING:
    from stepcheck.certification.runner import Runner

COMPILED = 2
"""Classes in which a known issue of compiled mode is shown here: one configuration of each, because it takes
seconds."""


def cells(issue: KnownIssue) -> Iterator[tuple[Adapter, Cell, str]]:
    """Yield each CPU cell that ``issue`` matches in this release of torch, with its adapter and its rule.

    Compiled cells only where there is no other mode to show it in, and a few of those.
    """
    compiled: set[str] = set()
    for adapter in torch_optim.ALL:
        for configuration in adapter.configurations:
            for mode in (mode for mode in MODES if mode in adapter.modes):
                if mode == "compiled" and issue.modes != ("compiled",):
                    continue
                for dtype in FORMATS:
                    if mode == "compiled" and (adapter.target in compiled or len(compiled) == COMPILED):
                        continue
                    cell = Cell(adapter.target, configuration.name, mode, dtype, "cpu")
                    fused = mode == "fused" and is_complex(dtype)  # torch has none
                    if not fused and mode != "capturable" and issue.matches(cell, torch.__version__):
                        rule, _ = claimed_rule(adapter, configuration, None)
                        assert rule is not None
                        compiled |= {adapter.target} if mode == "compiled" else set()
                        yield adapter, cell, rule


@pytest.mark.parametrize("issue", ALL, ids=lambda issue: issue.name)
def test_a_witness_breaks_its_law_in_every_cell_and_its_program_fails_by_itself(
    issue: KnownIssue, torch_python: TorchPython, tmp_path: Path
) -> None:
    if issue.modes == ("compiled",) and shutil.which("g++") is None:
        pytest.skip("torch.compile needs g++ on the CPU")
    programs: list[str] = []
    unseen: list[str] = []
    for adapter, cell, rule in cells(issue):
        planned = Planned(cell, find(rule), adapter.configuration(cell.configuration).fixed_hyper)
        subject = Subject(Request(target=cell.target), adapter)
        runner = cast("Runner", SimpleNamespace(run=run))
        evaluator = CellEvaluator(subject, planned, runner, torch.__version__, known_issues=(issue,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.compile's own
            failures, _ = evaluator.replay_known_issues()
        if failures:
            programs.append(failures[0].standalone)
        else:
            unseen.append(cell.id)
    if not programs and not unseen:
        pytest.skip(f"not known of torch {torch.__version__} on the CPU")
    assert not unseen
    program = tmp_path / "witness.py"
    program.write_text(programs[0])
    done = torch_python.run(program, cwd=ROOT)
    assert done.returncode == 1, programs[0] + done.stdout + done.stderr
    assert "Traceback" not in done.stderr or issue.outputs == ("raised",)
