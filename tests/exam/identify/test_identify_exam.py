"""A sample of what ``benchmarks/identify.py`` examines: code is named rightly, and what is no rule has no name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exam.identify import outside, printed
from exam.identify.sampled import drawn_variants, is_right, sensible
from stepcheck.code_reading.read import read_by
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.identify import Identification, identify_reading
from stepcheck_reference.identify.variants.combinations import NAMED

HEADER = "import math\n\nimport torch\n\n\n"
SAMPLE = [variant for variant in drawn_variants(60, 5) if variant not in NAMED.values()][:4]
STYLES = [("single", "float32"), ("foreach", "float64")]


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened


@pytest.mark.parametrize("number", range(len(SAMPLE)))
def test_a_variant_as_code_is_named_rightly(workers: Workers, tmp_path: Path, number: int) -> None:
    file = tmp_path / f"variant{number}.py"
    file.write_text(HEADER + printed.code(SAMPLE[number], "Variant", *STYLES[number % 2]), encoding="utf-8")
    answer = identify_reading(read_by(workers, f"{file}:Variant", "", "single", {}))
    assert answer.verdict == "proved"
    assert is_right(answer, SAMPLE[number])


@pytest.mark.parametrize("name", ["ClipsTheGradient", "HalvesTheFirstStep", "DecayTwice"])
def test_code_outside_the_space_has_no_name(workers: Workers, tmp_path: Path, name: str) -> None:
    file = tmp_path / "outside.py"
    file.write_text(HEADER + outside.code(name), encoding="utf-8")
    assert identify_reading(read_by(workers, f"{file}:{name}", "", "single", {})).name is None


def test_the_exam_has_variants_of_every_kind() -> None:
    variants = list(drawn_variants(200, 1))
    assert len(set(variants)) == 200
    assert all(map(sensible, variants[len(NAMED) :]))
    assert len({variant.divisor.eps for variant in variants}) > 10
    assert len({variant.decay for variant in variants}) > 9


def test_a_name_is_right_for_its_own_variant_alone() -> None:
    adam = Identification("code", "", name="adam", rule="adam", base="adam", verdict="proved")
    squared = Identification("code", "", name="adam+eps_squared", rule=None, base="adam", verdict="proved")
    variant = NAMED["adam"]
    with_square = replace(variant, divisor=replace(variant.divisor, eps="square"))
    assert is_right(adam, variant)
    assert is_right(squared, with_square)
    assert not is_right(adam, NAMED["adam_eps_hat"])
    assert not is_right(squared, variant)
