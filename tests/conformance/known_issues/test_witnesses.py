"""Witnesses of known findings: each shows its finding here, and its program fails by itself."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conformance.command import ROOT
from stepcheck.certification.evaluator import declared, evidence_of, reference_cell
from stepcheck.certification.failures.failure import failure
from stepcheck.certification.failures.replay_token import Replayable
from stepcheck.certification.request import claim
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_implementations.driver.execution import run
from stepcheck_properties import laws
from stepcheck_properties.law import Facts
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.rules import find
from torch_python import TorchPython

COMPILED = 2
"""Classes in which a finding of compiled mode is shown here: one configuration of each, because it takes seconds."""


def cells(finding: KnownIssue) -> Iterator[tuple[Adapter, Cell, str]]:
    """Yield each CPU cell that ``finding`` matches in this release of torch, with its adapter and its rule.

    Compiled cells only where there is no other mode to show it in, and a few of those.
    """
    compiled: set[str] = set()
    for adapter in torch_optim.ALL:
        for configuration in adapter.configurations:
            for mode in (mode for mode in MODES if mode in adapter.modes):
                if mode == "compiled" and finding.modes != ("compiled",):
                    continue
                for dtype in FORMATS:
                    if mode == "compiled" and (adapter.target in compiled or len(compiled) == COMPILED):
                        continue
                    cell = Cell(adapter.target, configuration.name, mode, dtype, "cpu")
                    fused = mode == "fused" and is_complex(dtype)  # torch has none
                    if not fused and mode != "capturable" and finding.matches(cell, torch.__version__):
                        rule, _ = claim(adapter, configuration, None)
                        assert rule is not None
                        compiled |= {adapter.target} if mode == "compiled" else set()
                        yield adapter, cell, rule


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.name)
def test_a_witness_breaks_its_law_in_every_cell_and_its_program_fails_by_itself(
    finding: KnownIssue, torch_python: TorchPython, tmp_path: Path
) -> None:
    if finding.modes == ("compiled",) and shutil.which("g++") is None:
        pytest.skip("torch.compile needs g++ on the CPU")
    law = laws.find(finding.code)
    programs: list[str] = []
    unseen: list[str] = []
    for adapter, cell, rule in cells(finding):
        fixed_hyper = adapter.configuration(cell.configuration).fixed_hyper
        script = finding.script(cell.dtype, [str(symbol) for symbol in find(rule).hyper], fixed_hyper)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.compile's own
            trajectory = run(adapter, cell, script)
        evidence = evidence_of(find(rule), script, trajectory, declared(cell), cell.dtype)
        reference = (
            law.reference(script, Facts(find(rule), mode=cell.mode, dtype=cell.dtype)) if law.reference else None
        )
        beside = None
        if reference is not None:
            beside = reference_cell(cell, reference), reference.script
            judging = reference.rule or find(rule)
            other = evidence_of(judging, reference.script, run(adapter, *beside), declared(beside[0]), cell.dtype)
            evidence = replace(evidence, reference=other)
        breaches = [breach for breach in law.check(evidence).breaches if finding.shows(finding.code, breach.output)]
        if not breaches:
            unseen.append(cell.id)
            continue
        made = failure(adapter, law, breaches[0], Replayable(cell, rule, script), evidence.judgement.counts, beside)
        programs.append(made.standalone)
    if not programs and not unseen:
        pytest.skip(f"not known of torch {torch.__version__} on the CPU")
    assert not unseen
    program = tmp_path / "witness.py"
    program.write_text(programs[0])
    done = torch_python.run(program, cwd=ROOT)
    assert done.returncode == 1, programs[0] + done.stdout + done.stderr
    assert "Traceback" not in done.stderr or finding.outputs == ("raised",)
