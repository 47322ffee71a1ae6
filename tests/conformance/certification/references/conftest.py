"""One set of workers for each test, on the fork server of all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepcheck_implementations.workers.pool import Workers


@pytest.fixture
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened
