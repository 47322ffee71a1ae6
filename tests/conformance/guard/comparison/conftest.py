"""Real recordings of cells of torch.optim, for tests that alter them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from conformance.guard.recorded_cells import RecordedCell, record_one
from stepcheck.guard.comparison.difference import Difference
from stepcheck_implementations.workers.pool import Workers

Cells = Callable[[str], RecordedCell]
ADAMW = "AdamW[default] single float32 cpu"
COMPLEX = "AdamW[default] single complex64 cpu"
NARROW = "AdamW[default] foreach bfloat16 cpu"
HALF = "AdamW[maximize] single float16 cpu"
NADAM = "NAdam[default] single float64 cpu"
ADAGRAD = "Adagrad[default] single float32 cpu"
SGD = "SGD[momentum] single float32 cpu"
UNRULED = "Adafactor[default] single float32 cpu"
WHERE = "two_groups"


@pytest.fixture(scope="module")
def cells(fork_server: str) -> Iterator[Cells]:
    """Returns a cell of torch.optim with its recording, made once."""
    with Workers(address=fork_server) as workers:
        yield cache(lambda name: record_one(workers, f"torch.optim.{name.partition('[')[0]}", name))


def summaries(result: Difference) -> set[tuple[str, str, str]]:
    return {(point.change.value, point.law, point.summary) for point in result.points}
