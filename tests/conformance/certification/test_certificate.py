"""Certificates: verdicts, exit codes, and a JSON form that comes back whole."""

from __future__ import annotations

import json

import pytest

from stepcheck.certification.certificate import (
    CellResult,
    Certificate,
    Failure,
    Findings,
    LawResult,
    Run,
    Worst,
    from_json,
    number,
)
from stepcheck.report.text import render
from stepcheck.report.wording import format_ratio
from stepcheck_reference.verdict import Verdict, exit_code, overall

WORST = Worst(
    output="theta",
    tensor=0,
    step=2,
    index=3,
    observed=number(float("nan")),
    expected=1.0,
    radius=1e-9,
    ratio=number(float("inf")),
    inputs={"g": 0.5, "v": number(float("-inf"))},
)
FAILURE = Failure(
    code="SC101",
    title="parameters lie inside the envelope",
    message="Adam[default] single float32 cpu, step 2, p0[3]: theta=nan, but should be 1.0 ± 1e-09 (inf radii)",
    rule="adam",
    script={"tensors": [{"shape": [4]}], "groups": [{}], "steps": [{}, {}]},
    token="sc1-xyz",
    standalone="import torch\n",
    worst=WORST,
)


def cell(verdict: Verdict, dtype: str = "float32", **more: object) -> CellResult:
    """Return a cell's result."""
    identity = {"id": f"Adam[default] single {dtype} cpu", "configuration": "default", "mode": "single"}
    return CellResult(**identity, dtype=dtype, device="cpu", rule="adam", verdict=verdict, **more)  # type: ignore[arg-type]


def certificate(*cells: CellResult) -> Certificate:
    """Return a certificate of ``cells``."""
    verdict = overall(entry.verdict for entry in cells)
    findings = Findings(verdict=verdict, target="torch.optim.Adam", rule="adam", profile="quick", seed=0, cells=cells)
    return Certificate(findings=findings, run=Run(seconds=1.0, jobs=2))


BROKEN = cell(
    Verdict.BROKEN,
    scripts=2,
    compared=10,
    element_steps=12,
    worst={"theta": WORST},
    laws=(LawResult(code="SC101", verdict=Verdict.BROKEN, compared=10, failures=(FAILURE,)),),
)


@pytest.mark.parametrize(
    ("parts", "verdict", "codes"),
    [
        (["holds"], "holds", (0, 0)),
        (["holds", "vacuous", "not_run", "not_applicable"], "holds", (0, 0)),
        (["holds", "expected_broken"], "expected_broken", (0, 1)),
        (["holds", "expected_broken", "broken"], "broken", (1, 1)),
        (["vacuous", "not_applicable"], "vacuous", (5, 5)),
        (["not_run", "not_applicable"], "not_run", (5, 5)),
        (["not_applicable"], "not_applicable", (5, 5)),
        ([], "vacuous", (5, 5)),
    ],
)
def test_the_overall_verdict_and_its_exit_code(parts: list[str], verdict: str, codes: tuple[int, int]) -> None:
    result = overall(Verdict(part) for part in parts)
    assert result == verdict
    assert (exit_code(result, strict=False), exit_code(result, strict=True)) == codes


def test_a_certificate_survives_json_that_any_parser_reads() -> None:
    written = certificate(BROKEN, cell(Verdict.HOLDS, "float64"))
    raw = json.loads(written.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert raw["schema_version"] == 1
    assert raw["verdict"]["cells"][0]["worst"]["theta"]["observed"] == "nan"
    assert "seconds" not in raw["verdict"]
    assert from_json(written.to_json()) == written


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 1}', "[]"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        from_json(text)


def test_another_schema_is_refused() -> None:
    written = json.loads(certificate(BROKEN).to_json()) | {"schema_version": 2}
    with pytest.raises(ValueError, match="schema_version=2, but should be 1"):
        from_json(json.dumps(written))


def test_a_report_says_the_failure_in_full_and_fits_a_page() -> None:
    text = render(certificate(BROKEN, cell(Verdict.NOT_RUN, "float64", reason="too slow")))
    for words in (
        "✗ nan",
        "· ",
        "1 broken, 1 not run",
        "too slow",
        FAILURE.token,
        "import torch",
        "nan",
        "1.0 ± 1e-09",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100


def test_ratios_are_short() -> None:
    assert [format_ratio(value) for value in (0.0, 0.98345, 1.0, 12.34, 45678.0, 1e-9, 1e123, "inf")] == [
        "0",
        "0.983",
        "1",
        "12.3",
        "4.6e4",
        "1.0e-9",
        "1.0e123",
        "inf",
    ]
