"""The Markdown summary."""

from __future__ import annotations

import re

import pytest

from conformance import certificates
from stepcheck.report.markdown import render
from stepcheck_reference.verdict import Verdict


def test_the_summary_has_the_verdict_and_how_much_was_compared() -> None:
    text = render(certificates.HOLDS)
    assert text.startswith("## ✓ `torch.optim.Adam`: holds\n")
    for words in ("- cells: 2 holds", "200 of 220 element-steps in 6 scripts", "profile quick, seed 7", "torch 2.13.0"):
        assert words in text
    assert "<details>" not in text


def test_the_table_has_a_row_a_configuration_and_mode_and_a_column_a_dtype() -> None:
    table = [line for line in render(certificates.EXPECTED).splitlines() if line.startswith("|")]
    assert table == [
        "| cpu | | float16 | bfloat16 | float32 | float64 | complex64 |",
        "|---|---|---|---|---|---|---|",
        "| default: adam | single | ∅ | ✓ 0.750 | ! 25 |  | – |",
        "|  | compiled |  |  |  | · |  |",
    ]


def test_each_failure_is_folded_up_with_its_witness() -> None:
    text = render(certificates.BROKEN)
    assert text.count("<details>") == text.count("</details>") == 3
    assert "<summary>✗ SC101 parameters lie inside the envelope: theta, 25 radii, in 2 cells" in text
    assert "<summary>✗ SC201 the script runs to its end: crashed, in Adam[default] single float64 cpu" in text
    for failure in certificates.BROKEN.failures:
        if failure.code != "SC101":
            assert failure.token in text
            assert f"```python\n{failure.standalone}```" in text
    assert "Same failure in 1 more place:\n\n- Adam\\[default\\] single" in text


def test_known_issues_are_explained() -> None:
    text = render(certificates.EXPECTED)
    assert "### Failures" not in text
    assert "<summary>! known-gap, in Adam[default] single float32 cpu</summary>" in text
    assert "It is known, see https://example.org/1" in text
    assert "Fixed upstream: `old-gap` no longer occurs in Adam\\[default\\] single bfloat16 cpu" in text


def test_a_library_has_a_row_a_class_and_folds_up_the_tables() -> None:
    text = render(certificates.LIBRARY)
    assert "| torch.optim.SGD cpu | ✗ broken | 0.750 | 1 broken |" in text
    assert "| torch.optim.Adam cuda:0 | ✓ holds | 0.750 | 1 holds |" in text
    assert "<details><summary>torch.optim.Adam cpu</summary>" in text


def test_many_equal_failures_are_listed_up_to_a_number() -> None:
    cells = [
        certificates.cell(Verdict.BROKEN, "float32", certificates.broken(), configuration=f"number {number}")
        for number in range(40)
    ]
    text = render(certificates.certificate(*cells))
    assert "Same failure in 39 more places:" in text
    assert "- and 19 more" in text


@pytest.mark.parametrize("limit", [200, 700, 1000, 1300, 1600])
def test_a_summary_that_is_too_long_is_truncated_between_parts_with_a_notice(limit: int) -> None:
    complete = render(certificates.BROKEN)
    text = render(certificates.BROKEN, limit=limit)
    assert len(text.encode()) <= limit < len(complete.encode())
    assert re.search(r"\*\*Truncated:\*\* \d parts? did not fit", text)
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0


def test_a_summary_that_fits_is_not_truncated() -> None:
    complete = render(certificates.BROKEN)
    assert render(certificates.BROKEN, limit=len(complete.encode())) == complete
    assert render(certificates.BROKEN, limit=10) == render(certificates.BROKEN, limit=-5) == ""


def test_hostile_messages_are_neither_html_nor_markdown() -> None:
    text = render(certificates.ATTACKED)
    outside = re.sub(r"(`{3,})[a-z]*\n.*?\n\1", "", text, flags=re.DOTALL)
    outside = re.sub(r"(`+) .*? \1", "", outside)
    assert not re.findall(r"<(?!/?(?:details|summary)>)", outside)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    for line in outside.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6


def test_a_program_cannot_end_the_block_it_is_in() -> None:
    text = render(certificates.ATTACKED)
    assert "````python" in text
