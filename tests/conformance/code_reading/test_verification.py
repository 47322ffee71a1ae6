"""A reading is verified where the code holds its envelope, and not where a branch was missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from stepcheck.code_reading.read import read_by
from stepcheck.code_reading.verification import PARTS, verify
from stepcheck.code_reading.verification_lines import verification_lines
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.alphabet import lr, theta, weight_decay
from stepcheck_reference.reading.reading import Reading

SUBJECTS = "tests/implementations/subjects/readable.py"


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened


def read(workers: Workers, target: str) -> Reading:
    return read_by(workers, target, "", "single", {})


@pytest.mark.parametrize("target", ["torch.optim.Adam", f"{SUBJECTS}:OldOverloads", f"{SUBJECTS}:Masked"])
def test_code_holds_the_envelope_of_its_reading(workers: Workers, target: str) -> None:
    found = verify(read(workers, target), workers)
    assert found.verified, verification_lines(found)
    assert found.compared > 10_000


@pytest.mark.parametrize("name", ["RestsWhereLarge", "ChangesAfterSomeCalls"])
def test_a_branch_that_no_path_took_is_found(workers: Workers, name: str) -> None:
    found = verify(read(workers, f"{SUBJECTS}:{name}"), workers)
    assert (found.verified, found.reason) == (False, PARTS)
    assert found.script is not None
    assert found.script.label in verification_lines(found)


def test_a_reading_that_misses_a_term_is_found(workers: Workers) -> None:
    reading = read(workers, "torch.optim.AdamW")
    missed = {**reading.step, theta: reading.step[theta] + lr * weight_decay * theta}
    found = verify(replace(reading, step=missed), workers)
    assert (found.verified, found.reason) == (False, PARTS)
    assert found.deviation is not None
    assert found.deviation.output == "theta"


def test_what_was_not_read_is_not_verified(workers: Workers) -> None:
    found = verify(read(workers, f"{SUBJECTS}:TakesNorm"), workers)
    assert not found.verified
    assert "`g.norm()` was not read" in found.reason
