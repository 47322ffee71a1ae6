"""pytorch_optimizer, timm and torchao: every class with an adapter, and their known issues."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance.command import ROOT, python
from libraries.certified import certified, judged_verdicts
from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request, claimed_rule
from stepcheck.certification.survey import Subject
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_implementations.adapters import libraries, pytorch_optimizer, timm_optim, torchao_optim
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rules import find

MODULES = {"pytorch-optimizer": "pytorch_optimizer", "timm": "timm", "torchao": "torchao"}
"""Distributions, and the modules they install, by which the markers are called."""


def _marks(distribution: str) -> tuple[pytest.MarkDecorator, ...]:
    module = MODULES[distribution]
    why = f"{module} is not installed: the extra {distribution} brings it"
    return getattr(pytest.mark, module), pytest.mark.skipif(find_spec(module) is None, reason=why)


TARGETS = [
    pytest.param(adapter.target, marks=_marks(distribution))
    for distribution, adapters in (
        ("pytorch-optimizer", pytorch_optimizer.ALL),
        ("timm", timm_optim.ALL),
        ("torchao", torchao_optim.ALL),
    )
    for adapter in adapters
]
KNOWN = [pytest.param(issue, marks=_marks(issue.library), id=issue.name) for issue in ALL if issue.library]


@pytest.mark.parametrize("target", TARGETS)
def test_every_class_keeps_its_rules_but_where_a_known_issue_says_so(target: str) -> None:
    certificate = certified(target, "--dtype", "bfloat16,float64", "--jobs", "1")
    verdicts = judged_verdicts(certificate)
    assert set(verdicts) <= {"holds", "expected_broken"}
    named = {name for issue in ALL for name in issue.targets if issue.library}
    if not any(name in (target, f"{target.rpartition('.')[0]}.*") for name in named):
        assert set(verdicts) == {"holds"}


def cells(issue: KnownIssue) -> Iterator[tuple[Adapter, Cell, str]]:
    """Yield each uncompiled CPU cell that ``issue`` matches, with its adapter and its rule."""
    for library in libraries.ALL:
        for adapter in library.adapters:
            for configuration in adapter.configurations:
                for mode in (mode for mode in adapter.modes if mode != "compiled"):
                    for dtype in (dtype for dtype in FORMATS if not (adapter.not_complex and "complex" in dtype)):
                        cell = Cell(adapter.target, configuration.name, mode, dtype, "cpu")
                        if issue.matches(cell, "2.13"):
                            rule, _ = claimed_rule(adapter, configuration, None)
                            assert rule is not None
                            yield adapter, cell, rule


@pytest.mark.parametrize("issue", KNOWN)
def test_a_witness_breaks_its_law_in_every_cell_and_its_program_fails_by_itself(
    issue: KnownIssue, fork_server: str, tmp_path: Path
) -> None:
    programs: list[str] = []
    with Workers(address=fork_server, deadline=60.0) as workers:
        for adapter, cell, rule in cells(issue):
            planned = Planned(cell, find(rule), adapter.configuration(cell.configuration).fixed_hyper)
            subject = Subject(Request(target=cell.target), adapter)
            failures, _ = CellEvaluator(subject, planned, workers, "2.13", known_issues=(issue,)).replay_known_issues()
            assert failures, cell.id
            programs.append(failures[0].standalone)
    program = tmp_path / "witness.py"
    program.write_text(programs[0])
    done = python(str(program))
    assert done.returncode == 1, programs[0] + done.stdout + done.stderr
    assert "Traceback" not in done.stderr or issue.outputs == ("raised",)


PAGES = [
    pytest.param(page, marks=_marks(distribution), id=page)
    for page, distribution in (
        ("pytorch-optimizer-group-step", "pytorch-optimizer"),
        ("pytorch-optimizer-radam-decay", "pytorch-optimizer"),
        ("pytorch-optimizer-written-gradient", "pytorch-optimizer"),
        ("float32-inside", "torchao"),
        ("timm-unchecked", "timm"),
    )
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_program_fails_as_the_page_says(page: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "known-issues" / f"{page}.md").read_text()
    program = tmp_path / "witness.py"
    program.write_text(text.partition("```python\n")[2].partition("```")[0])
    done = python(str(program))
    assert done.returncode == 1, done.stderr
    assert f"`{done.stdout.strip()}`" in text.replace("\n", " ")


@pytest.mark.torchao
@pytest.mark.skipif(find_spec("torchao") is None, reason="torchao is not installed: the extra torchao brings it")
def test_torchao_is_checked_uncompiled_unless_requested() -> None:
    certificate = certified("torchao.optim.AdamW8bit", "--dtype", "float32")
    left_out = {cell.mode: cell.reason for cell in certificate.cells if str(cell.verdict) == "not_run"}
    assert "--mode compiled" in left_out["compiled"]
    assert {cell.configuration for cell in certificate.cells} == {"unquantised", "unquantised,amsgrad"}
