"""pytorch_optimizer, timm and torchao: every class with an adapter, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance.command import ROOT, python
from libraries.certified import certified, judged
from stepcheck.certification.evaluator import declared, reference_cell
from stepcheck.certification.failures.failure import failure
from stepcheck.certification.failures.replay_token import Replayable
from stepcheck.certification.request import claim
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_implementations.adapters import libraries, pytorch_optimizer, timm_optim, torchao_optim
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import laws
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import Facts, ReferenceRun
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

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
KNOWN = [pytest.param(finding, marks=_marks(finding.library), id=finding.name) for finding in ALL if finding.library]


@pytest.mark.parametrize("target", TARGETS)
def test_every_class_keeps_its_rules_but_where_a_finding_says_so(target: str) -> None:
    certificate = certified(target, "--dtype", "bfloat16,float64", "--jobs", "1")
    verdicts = judged(certificate)
    assert set(verdicts) <= {"holds", "expected_broken"}
    named = {name for finding in ALL for name in finding.targets if finding.library}
    if not any(name in (target, f"{target.rpartition('.')[0]}.*") for name in named):
        assert set(verdicts) == {"holds"}


def cells(finding: KnownIssue) -> Iterator[tuple[Adapter, Cell, str]]:
    """Yield each uncompiled CPU cell that ``finding`` matches, with its adapter and its rule."""
    for library in libraries.ALL:
        for adapter in library.adapters:
            for configuration in adapter.configurations:
                for mode in (mode for mode in adapter.modes if mode != "compiled"):
                    for dtype in (dtype for dtype in FORMATS if not (adapter.not_complex and "complex" in dtype)):
                        cell = Cell(adapter.target, configuration.name, mode, dtype, "cpu")
                        if finding.matches(cell, "2.13"):
                            rule, _ = claim(adapter, configuration, None)
                            assert rule is not None
                            yield adapter, cell, rule


def harness(workers: Workers, adapter: Adapter, cell: Cell, rule: str) -> Harness:
    """Return the bench on which a witness in ``cell`` is tried."""

    def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        return workers.run(adapter, cell if reference is None else reference_cell(cell, reference), script)

    facts = Facts(find(rule), mode=cell.mode, dtype=cell.dtype)
    return Harness(
        run, find(rule), declared(cell), cell.dtype, facts, lambda reference: declared(reference_cell(cell, reference))
    )


@pytest.mark.parametrize("finding", KNOWN)
def test_a_witness_breaks_its_law_in_every_cell_and_its_program_fails_by_itself(
    finding: KnownIssue, fork_server: str, tmp_path: Path
) -> None:
    law = laws.find(finding.code)
    programs: list[str] = []
    with Workers(address=fork_server, deadline=60.0) as workers:
        for adapter, cell, rule in cells(finding):
            fixed_hyper = adapter.configuration(cell.configuration).fixed_hyper
            script = finding.script(cell.dtype, [str(symbol) for symbol in find(rule).hyper], fixed_hyper)
            evidence = harness(workers, adapter, cell, rule).evidence(law, script)
            assert evidence is not None
            shown = [breach for breach in law.check(evidence).breaches if finding.shows(finding.code, breach.output)]
            assert shown, cell.id
            reference = (
                law.reference(script, Facts(find(rule), mode=cell.mode, dtype=cell.dtype)) if law.reference else None
            )
            beside = (reference_cell(cell, reference), reference.script) if reference else None
            made = failure(adapter, law, shown[0], Replayable(cell, rule, script), evidence.judgement.counts, beside)
            programs.append(made.standalone)
    program = tmp_path / "witness.py"
    program.write_text(programs[0])
    done = python(str(program))
    assert done.returncode == 1, programs[0] + done.stdout + done.stderr
    assert "Traceback" not in done.stderr or finding.outputs == ("raised",)


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
    text = (ROOT / "docs" / "findings" / f"{page}.md").read_text()
    program = tmp_path / "witness.py"
    program.write_text(text.partition("```python\n")[2].partition("```")[0])
    done = python(str(program))
    assert done.returncode == 1, done.stderr
    assert f"`{done.stdout.strip()}`" in text.replace("\n", " ")


@pytest.mark.torchao
@pytest.mark.skipif(find_spec("torchao") is None, reason="torchao is not installed: the extra torchao brings it")
def test_what_torchao_compiles_is_judged_as_it_stands_unless_asked_otherwise() -> None:
    certificate = certified("torchao.optim.AdamW8bit", "--dtype", "float32")
    left_out = {cell.mode: cell.reason for cell in certificate.cells if str(cell.verdict) == "not_run"}
    assert "--mode compiled" in left_out["compiled"]
    assert {cell.configuration for cell in certificate.cells} == {"unquantised", "unquantised,amsgrad"}
