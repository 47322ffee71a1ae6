"""The test behind ``pytest --stepcheck-target TARGET --pyargs stepcheck``, which needs no test file of one's own."""

from __future__ import annotations

import pytest

from stepcheck.plugin import parametrize, target_arguments
from stepcheck.pytest_plugin.cases import Case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize with the cases of what the command line names."""
    parametrize(metafunc, [target_arguments(metafunc.config)])


@pytest.mark.stepcheck
def test_target(case: Case) -> None:
    """The law holds in the cell."""
    case.check()
