"""A Ray cluster records and checks the same as this machine."""

from __future__ import annotations

import filecmp
import secrets
from importlib.util import find_spec
from pathlib import Path

import pytest

from stepcheck.guard.check_baseline import check
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.record_baseline import record
from stepcheck.processes.executor import Local

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: the extra ray brings it"),
]

SELECTION = Selection((("torch.optim.Adagrad", None),), modes=("single", "foreach"), dtypes=("float32", "bfloat16"))


def test_two_workers_of_a_cluster_record_the_same_bytes_as_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stepcheck.processes.ray_executor import Ray

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
    on_machine, on_cluster = tmp_path / "here", tmp_path / "there"
    record(on_machine, SELECTION, executor=Local(1))
    with Ray("local") as cluster:
        record(on_cluster, SELECTION, executor=cluster)
        checked = check(on_machine, executor=cluster)
    names = sorted(path.name for path in on_machine.iterdir())
    assert filecmp.cmpfiles(on_machine, on_cluster, names, shallow=False) == (names, [], [])
    assert {str(entry.change) for entry in checked.differences} == {"identical"}
