"""A library's name for a target: every class of it, in one certificate."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import stepcheck
from short_profiles import SHORT_PROFILES
from stepcheck.certification import certify
from stepcheck.certification.certificate import CellResult, Certificate, from_json
from stepcheck.certification.certify import Interrupted
from stepcheck.certification.failures import replay as replaying
from stepcheck.certification.output.output_directory import file_names
from stepcheck.certification.plan import batches, plan
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.survey import narrow
from stepcheck.cli.commands import main
from stepcheck.known_issues import ALL as KNOWN_ISSUES
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck.report.text import render
from stepcheck_implementations.adapters import libraries, torch_optim
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_implementations.adapters.libraries import Library
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import profile
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.rule import OutOfDomain
from stepcheck_reference.verdict import Verdict

ONE = {"modes": ["single"], "dtypes": ["float32"]}
RIGHT, WRONG = "tests/planted/rules/controls.py:HandWrittenAdam", "tests/planted/rules/adam.py:AdamEpsInsideRoot"
GONE = "tests/planted/rules/adam.py:AdamOfAnotherRelease"
SGD = "tests/planted/rules/controls.py:HandWrittenMomentum"


def of_python_floats(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    return plain(dtype)


def adam(target: str) -> Adapter:
    """Return the adapter of a planted Adam, in single mode alone."""
    return replace(torch_optim.ADAM, target=target, modes={"single": {}}, hyper=HYPER, configurations=ADAM)


PLAINEST = tuple(
    replace(
        library,
        adapters=tuple(replace(entry, configurations=entry.configurations[:1]) for entry in library.adapters),
    )
    for library in libraries.ALL
)
"""The libraries, each of whose classes has but its first configuration."""

HYPER = {name: slot for name, slot in torch_optim.ADAM.hyper.items() if name != "weight_decay"}
ADAM = (replace(torch_optim.ADAM.configurations[0], rule="adam", rewrites=()),)
MOMENTUM = replace(
    torch_optim.SGD,
    target=SGD,
    rule="momentum",
    hyper={"lr": "lr", "momentum": "momentum", "dampening": "dampening"},
    modes={"single": {}},
    configurations=(replace(ADAM[0], rule="momentum"),),
)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None) -> None:
    """A library of three planted classes, one of them wrong, and one that is not there."""
    adapters = (adam(RIGHT), adam(WRONG), MOMENTUM, adam(GONE))
    monkeypatch.setattr(libraries, "ALL", (Library("planted", adapters, of_python_floats),))


@pytest.fixture(scope="module")
def torch(fork_server: str) -> Certificate:
    """The certificate of the plainest cell of each class of torch.optim."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certify, "Workers", partial(Workers, address=fork_server))
        patch.setattr(profile, "ALL", SHORT_PROFILES)
        patch.setattr(libraries, "ALL", PLAINEST)
        return stepcheck.certify("torch.optim", **ONE, select=["SC1", "SC3"])


def by_class(certificate: Certificate) -> dict[str, list[CellResult]]:
    cells: dict[str, list[CellResult]] = {}
    for cell in certificate.cells:
        cells.setdefault(cell.target, []).append(cell)
    return cells


def test_every_class_of_torch_is_certified_and_the_others_are_named(torch: Certificate) -> None:
    cells = by_class(torch)
    assert list(cells) == [adapter.target for adapter in torch_optim.ALL]
    assert {cell.verdict for cell in torch.cells} <= {Verdict.HOLDS, Verdict.EXPECTED_BROKEN}
    assert all(cell.compared > 10_000 for cell in torch.cells)
    assert {"LBFGS", "SparseAdam"} <= set(torch.findings.without_rule)
    assert not {name.rpartition(".")[2] for name in cells} & set(torch.findings.without_rule)


@pytest.mark.usefixtures("shared_fork_server")
def test_a_class_has_the_same_result_as_when_it_is_certified_alone(
    torch: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "ALL", PLAINEST)
    alone = stepcheck.certify("torch.optim.SGD", **ONE, select=["SC1", "SC3"])
    assert list(alone.cells) == by_class(torch)["torch.optim.SGD"]


def test_the_report_says_of_every_class_how_it_fares(torch: Certificate) -> None:
    text = render(torch)
    rows = text.partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows[2:]] == [name.rpartition(".")[2] for name in by_class(torch)]
    assert "(no rule)" in text
    assert "LBFGS" in text
    assert max(map(len, text.splitlines())) <= 100
    verbose = render(torch, verbose=True)
    assert all(f"{cell.configuration}: {cell.rule}" in verbose for cell in torch.cells)


@pytest.mark.usefixtures("planted")
def test_one_wrong_class_is_named_and_the_others_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = stepcheck.certify("planted", dtypes=["float32"], jobs=2)
    assert certificate.exit_code() == 1
    verdicts = {target: {cell.verdict for cell in cells} for target, cells in by_class(certificate).items()}
    assert verdicts == {
        RIGHT: {Verdict.HOLDS},
        WRONG: {Verdict.BROKEN},
        SGD: {Verdict.HOLDS},
        GONE: {Verdict.NOT_APPLICABLE},
    }
    (gone,) = by_class(certificate)[GONE]
    assert "AdamOfAnotherRelease: no such name" in gone.reason
    text = render(certificate)
    assert "✗ AdamEpsInsideRoot: SC101 parameters lie inside the envelope, broken in theta" in text
    assert "broken: AdamEpsInsideRoot\n" in text
    assert "AdamOfAnotherRelease  not applicable" in text
    monkeypatch.setattr(replaying, "Workers", certify.Workers)
    token = certificate.failures[0].token
    assert f"replay {token}" in text
    assert replaying.replay(token).verdict is Verdict.BROKEN


@pytest.mark.usefixtures("planted")
def test_results_of_a_library_do_not_depend_on_the_jobs() -> None:
    one, two = (
        stepcheck.certify("planted", dtypes=["float32", "float64"], jobs=jobs, select=["SC1"]) for jobs in (1, 2)
    )
    assert one.findings == two.findings


@pytest.mark.usefixtures("planted")
def test_a_fixed_hyper_parameter_is_fixed_in_the_classes_that_have_it() -> None:
    certificate = stepcheck.certify("planted", dtypes=["float32"], fixed={"beta1": 0.5})
    fixed = {target: cells[0].id.endswith(" beta1=0.5") for target, cells in by_class(certificate).items()}
    assert fixed == {RIGHT: True, WRONG: True, SGD: False, GONE: True}
    assert by_class(certificate)[RIGHT][0].worst["theta"].inputs["beta1"] == 0.5
    assert by_class(certificate)[SGD][0].verdict is Verdict.HOLDS


@pytest.mark.usefixtures("planted")
def test_what_no_class_can_meet_is_refused() -> None:
    with pytest.raises(WrongRequest, match=r"set=betta1, .*did you mean beta1\?"):
        stepcheck.certify("planted", fixed={"betta1": 0.5})
    with pytest.raises(OutOfDomain, match="beta1=2"):
        stepcheck.certify("planted", fixed={"beta1": 2.0})
    with pytest.raises(WrongRequest, match="as=adam, but planted is a library"):
        stepcheck.certify("planted", rule="adam")
    with pytest.raises(WrongRequest, match="map=m, but the classes of planted have adapters of their own"):
        stepcheck.certify("planted", map={"m": "exp_avg"})


def test_a_library_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None) -> None:
    monkeypatch.setattr(libraries, "ALL", (Library("nowhere", (adam("nowhere.Adam"),), of_python_floats),))
    with pytest.raises(TargetError, match="no module named nowhere"):
        stepcheck.certify("nowhere")


@pytest.mark.usefixtures("planted")
def test_an_interrupted_library_keeps_its_results(tmp_path: Path) -> None:
    def stop(done: int, total: int, result: CellResult | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        stepcheck.certify("planted", dtypes=["float32"], out=tmp_path, jobs=1, progress=stop)
    certificate = from_json((tmp_path / "certificate.json").read_text())
    assert certificate == stopped.value.certificate
    assert certificate.run.interrupted
    assert certificate.findings.unfinished == 1
    judged = [cell for cell in certificate.cells if cell.scripts]
    assert len(judged) == len(list((tmp_path / "cells").iterdir())) == 2


def test_no_two_cells_share_a_file() -> None:
    cells = [
        Cell(target, configuration, "single", "float32", "cpu")
        for target in ("one.sgd", "one.SGD", "two.SGD", "one.Other")
        for configuration in ("a,b", "a_b", "plain" * 60)
    ]
    names = file_names(cells)
    assert len({name.lower() for name in names}) == len(cells)
    assert max(map(len, names)) < 200
    assert file_names(cells[::-1]) == names[::-1]
    assert file_names(cells[:1]) == ["sgd_a_b__single_float32_cpu"]


def planned(profile: str = "quick", device: str = "cpu") -> list[tuple[Cell, bool]]:
    """Return each cell of torch.optim, and whether it is judged, where nothing but complex fused is refused."""
    cells = []
    request = Request(target="torch.optim", profile=profile)
    for adapter in torch_optim.ALL:
        rows = [
            {"mode": mode, "dtype": dtype, "device": device, "reason": reason}
            for mode in MODES
            for dtype in FORMATS
            for reason in ["" if mode in adapter.modes and not (mode == "fused" and is_complex(dtype)) else "refused"]
        ]
        for entry in plan(narrow(request, adapter), adapter, rows, [device]):
            cells.append((entry.cell, entry.verdict is None))
    return cells


OF_TORCH = [issue for issue in KNOWN_ISSUES if issue.targets[0].startswith("torch.optim.")]


@pytest.mark.parametrize("issue", OF_TORCH, ids=lambda issue: issue.name)
def test_every_known_issue_has_cells_in_the_library(issue: KnownIssue) -> None:
    import torch

    profile = "thorough" if issue.modes == ("compiled",) else "quick"
    device = "cuda:0" if issue.devices == ("cuda:*",) else "cpu"
    cells = [cell for cell, judged in planned(profile, device) if judged]
    assert any(issue.matches(cell, torch.__version__) for cell in cells)


@pytest.mark.parametrize(
    ("requested", "refused", "representative"),
    [((), "", "float32"), (("float64", "bfloat16"), "", "bfloat16"), ((), "float32", "float16")],
)
def test_each_configuration_and_mode_has_one_representative_dtype(
    requested: tuple[str, ...], refused: str, representative: str
) -> None:
    rows = [
        {"mode": mode, "dtype": dtype, "device": "cpu", "reason": "no" if dtype == refused else ""}
        for mode in MODES
        for dtype in FORMATS
    ]
    entries = plan(Request(target="torch.optim.AdamW", dtypes=requested), torch_optim.ADAMW, rows, ["cpu"])
    judged = [entry for entry in entries if entry.verdict is None]
    leading = [entry.cell for entry in judged if entry.representative]
    assert {cell.dtype for cell in leading} == {representative}
    assert Counter((cell.configuration, cell.mode) for cell in leading) == dict.fromkeys(
        {(entry.cell.configuration, entry.cell.mode) for entry in judged}, 1
    )


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_every_cell_is_in_one_batch_and_modes_stay_together(jobs: int) -> None:
    request = Request(target="torch.optim.AdamW", profile="standard")
    rows = [{"mode": mode, "dtype": dtype, "device": "cpu", "reason": ""} for mode in MODES for dtype in FORMATS]
    entries = plan(request, torch_optim.ADAMW, rows, ["cpu"])
    batched = batches(entries, range(len(entries)), jobs)
    assert sorted(number for batch in batched for number in batch) == list(range(len(entries)))
    cells = [[entries[number].cell for number in batch] for batch in batched]
    assert all(len({(cell.configuration, cell.dtype) for cell in batch}) == 1 for batch in cells)
    assert all(len(batch) == 1 for batch in cells if batch[0].mode == "compiled")
    sizes = Counter(len(batch) for batch in cells if batch[0].mode != "compiled")
    assert sizes == ({5: 24} if jobs < 7 else {1: 120})


@pytest.mark.usefixtures("shared_fork_server")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("torch.optim.", r"torch\.optim\., but should be torch\.optim for all its classes"),
        ("torch.optimm", r"torch\.optimm: no such name; did you mean optim"),
        ("torch", r"target=torch, .*did you mean torch\.optim\?"),
        ("optaxx", r"target=optaxx, .*did you mean optax\?"),
    ],
)
def test_a_name_that_is_nearly_a_library_is_refused_with_the_nearest(target: str, message: str) -> None:
    with pytest.raises((WrongRequest, TargetError), match=message):
        stepcheck.certify(target)


@pytest.mark.usefixtures("planted")
def test_the_command_line_prints_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["certify", "planted", "--dtype", "float16", "--jobs", "1"])
    out, err = capsys.readouterr()
    assert stop.value.code == 1
    assert "✗ AdamEpsInsideRoot: SC101" in out
    assert f"stepcheck: 2 of 3 cells, at {WRONG}" in err
    assert err.endswith("stepcheck: 3 of 3 cells\n")


def test_the_json_names_the_class_of_each_cell(torch: Certificate) -> None:
    raw = json.loads(torch.to_json())["verdict"]
    assert raw["target"] == "torch.optim"
    assert {cell["target"] for cell in raw["cells"]} == {adapter.target for adapter in torch_optim.ALL}
    assert torch.of_library
