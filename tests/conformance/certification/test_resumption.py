"""``certify --out DIR`` twice: what an interrupted run of the same request left there is not run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import stepcheck
from stepcheck.certification.certificate import CellResult, Certificate, from_json
from stepcheck.certification.certify import Interrupted
from stepcheck.certification.request import WrongRequest

SGD = """
import torch

class Plain(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * p.grad)
"""
DTYPES = ["float32", "float64"]

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def certified(file: Path, out: Path, *, stop_after: int = 99, profile: str = "quick") -> tuple[Certificate, int, int]:
    """Return the certificate, and how many cells were run for it and how many taken over."""
    ran: list[CellResult] = []

    def count(done: int, total: int, result: CellResult | None) -> None:
        ran.extend([] if result is None else [result])
        if done == stop_after:
            raise KeyboardInterrupt

    options = {"rule": "sgd", "dtypes": DTYPES, "modes": ["single"], "select": ["SC101"], "profile": profile}
    try:
        certificate = stepcheck.certify(f"{file}:Plain", **options, out=out, jobs=1, progress=count)
    except Interrupted as stop:
        certificate = stop.certificate
    return certificate, len(ran), certificate.run.taken_over


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plain.py"
    path.write_text(SGD)
    return path


@pytest.fixture
def interrupted(file: Path, tmp_path: Path) -> Path:
    """A directory in which one of two cells is finished."""
    certificate, ran, _ = certified(file, tmp_path / "out", stop_after=1)
    assert (ran, certificate.findings.unfinished) == (1, 1)
    return tmp_path / "out"


def test_an_interrupted_run_is_resumed(file: Path, interrupted: Path, tmp_path: Path) -> None:
    certificate, ran, taken = certified(file, interrupted)
    assert (ran, taken) == (1, 1)
    whole, ran, taken = certified(file, tmp_path / "elsewhere")
    assert (ran, taken) == (2, 0)
    assert certificate.findings == whole.findings
    assert from_json((interrupted / "certificate.json").read_text()).findings == whole.findings


def test_a_run_that_was_killed_is_resumed(file: Path, interrupted: Path) -> None:
    (interrupted / "certificate.json").unlink()
    assert certified(file, interrupted)[1] == 1


def test_a_finished_run_is_run_anew(file: Path, interrupted: Path) -> None:
    certified(file, interrupted)
    assert certified(file, interrupted)[1] == 2


def test_another_source_is_run_anew(file: Path, interrupted: Path) -> None:
    file.write_text(SGD.replace("p.sub_(group", "p.sub_(2 * group"))
    certificate, ran, taken = certified(file, interrupted)
    assert (ran, taken) == (2, 0)
    assert certificate.exit_code() == 1


def test_another_file_beside_it_is_run_anew(file: Path, interrupted: Path) -> None:
    (file.parent / "imported.py").write_text("")
    assert certified(file, interrupted)[1] == 2


@pytest.mark.parametrize("text", ["", "{", '{"id": 3}', "[" * 100_000, "\xff"])
def test_a_damaged_cell_is_run_again(file: Path, interrupted: Path, text: str) -> None:
    (cell,) = (interrupted / "cells").iterdir()
    cell.write_text(text, "latin-1")
    certificate, ran, _ = certified(file, interrupted)
    assert (ran, certificate.exit_code()) == (2, 0)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_link_out_of_the_directory_is_not_followed(file: Path, interrupted: Path) -> None:
    (cell,) = (interrupted / "cells").iterdir()
    cell.unlink()
    cell.symlink_to("/dev/zero")
    (interrupted / "certificate.json").unlink()
    assert certified(file, interrupted)[1] == 2


def test_results_of_another_request_are_refused(file: Path, interrupted: Path) -> None:
    before = {path.name: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()}
    with pytest.raises(WrongRequest, match='holds results of another request, with profile="quick" instead of "standa'):
        certified(file, interrupted, profile="standard")
    with pytest.raises(WrongRequest, match="another request, with target="):
        stepcheck.certify("torch.optim.SGD", out=interrupted)
    (interrupted / "request.json").unlink()
    with pytest.raises(WrongRequest, match="holds results of another target"):
        stepcheck.certify("torch.optim.SGD", out=interrupted)
    del before["request.json"]
    assert {path.name: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()} == before


def test_a_field_that_another_release_does_not_write_is_one_that_was_not_given(file: Path, interrupted: Path) -> None:
    path = interrupted / "request.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "request": {**record["request"], "elsewhere": None}}))
    assert certified(file, interrupted)[0].exit_code() == 0
    path.write_text(json.dumps({**record, "request": {**record["request"], "elsewhere": "that"}}))
    with pytest.raises(WrongRequest, match='another request, with elsewhere="that" instead of null'):
        certified(file, interrupted)


def test_a_target_that_does_not_exist_leaves_no_directory(tmp_path: Path) -> None:
    with pytest.raises(stepcheck.TargetError if hasattr(stepcheck, "TargetError") else ValueError, match="no such"):
        stepcheck.certify(f"{tmp_path / 'nothing.py'}:Plain", rule="sgd", out=tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
