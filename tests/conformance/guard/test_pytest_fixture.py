"""The fixture ``stepcheck_guard``, in pytest runs of their own, and guard from Python."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import stepcheck
from conformance.command import ROOT, SOURCES, python
from conformance.command import pytest as run
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.pytest_fixture import CheckCache
from stepcheck.report.guard.check_failure import accept_patterns, failure_message, summary_line
from stepcheck.report.guard.check_json import read, render

MINE = """\
import torch


class Mine:
    def __init__(self, params, lr=0.1):
        self.params, self.lr = list(params), lr

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.sub_(p.grad * self.lr)
"""
OTHERWISE = MINE.replace("p.grad * self.lr", "p.grad * self.lr * 0.75")

TESTS = """\
import subprocess
import sys
from pathlib import Path

ran = []
run = subprocess.run


def counted(*arguments, **options):
    ran.append(arguments)
    return run(*arguments, **options)


subprocess.run = counted


def test_holds(stepcheck_guard):
    stepcheck_guard("tests/baseline").check(targets="mine.py:Mine")


def test_nothing_moved(stepcheck_guard):
    stepcheck_guard(Path("tests/baseline")).check(fail_on="rounding,api", targets="mine.py:Mine")
    assert len(ran) == 1


def test_conditions_of_its_own(stepcheck_guard):
    assert not stepcheck_guard("tests/baseline").result(targets="mine.py:Mine").failing(["rounding"])
    assert len(ran) == 1


def test_nothing_large_is_imported():
    assert not {"torch", "sympy", "hypothesis"} & set(sys.modules)


def test_missing(stepcheck_guard):
    stepcheck_guard("tests/elsewhere").check()


def test_torn(stepcheck_guard):
    stepcheck_guard("tests/torn").check()


def test_policy(stepcheck_guard):
    stepcheck_guard("tests/baseline").check(fail_on="ronding", targets="mine.py:Mine")
"""
PLAIN = ("-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:randomly", "-Werror")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with an optimizer, its baseline and tests that hold it to that."""
    project = tmp_path_factory.mktemp("project")
    (project / "mine.py").write_text(MINE)
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "tests" / "deep").mkdir(parents=True)
    (project / "tests" / "test_guard.py").write_text(TESTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        selection = stepcheck.guard.select("mine.py:Mine=sgd", dtypes=["float32"])
        recorded = stepcheck.guard.record("tests/baseline", selection)
    assert list(recorded.cells) == ["mine.py:Mine[default] single float32 cpu", "mine.py:Mine api"]
    shutil.copytree(project / "tests" / "baseline", project / "tests" / "torn")
    with next((project / "tests" / "torn").glob("*.safetensors")).open("r+b") as file:
        file.truncate(1000)
    return project


def test_a_baseline_is_checked_once_per_session_and_a_bad_one_fails_with_a_sentence(
    folder: Path,
) -> None:
    done = run(folder / "tests" / "deep", *PLAIN, "-rf", "..")  # a relative path starts from the rootdir
    assert "3 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    assert "baseline=tests/elsewhere, but should be a directory that `stepcheck guard record` made" in done.stdout
    assert "is damaged" in done.stdout
    assert "the recordings of 2 cells" in done.stdout
    assert "fail_on=ronding, but should be one of changed, rounding, api (did you mean rounding?)" in done.stdout
    assert "Traceback" not in done.stdout
    assert "conformance/stepcheck" not in done.stdout
    message = [entry for entry in done.stdout.splitlines() if entry.startswith("tests/baseline: torch ")]
    assert len(message) == 1
    assert message[0].endswith(", 2 identical")


def test_a_change_fails_with_the_most_severe_difference_and_the_commands(folder: Path) -> None:
    (folder / "mine.py").write_text(OTHERWISE)
    done = run(folder, *PLAIN, "-k", "holds or nothing_moved")
    (folder / "mine.py").write_text(MINE)
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    cell = "mine.py:Mine[default] single float32 cpu"
    for words in (
        "tests/baseline: 1 cell of 2 fails under torch ",
        f"✗ {cell}: SC101 leaves the envelope",
        "radii from the centre, was",
        "see all    python -m stepcheck guard check tests/baseline --target mine.py:Mine\n",
        "accept it  python -m stepcheck guard check tests/baseline --target mine.py:Mine "
        f"--accept '{cell}' --reason 'WHY'\n",
        "1 identical, 1 changed\n",
    ):
        assert words in done.stdout
    assert "Traceback" not in done.stdout
    assert "conformance/stepcheck" not in done.stdout


def cell(name: str, change: Change, accepted: str = "") -> Difference:
    points = [] if change is Change.IDENTICAL else [Point(change, "somewhere", api=change is not Change.ROUNDING)]
    kind = "api" if name.endswith(" api") else "steps"
    check_result = difference(
        name, kind, "torch.optim." + name.partition("[")[0].partition(" ")[0], points, 10, len(points)
    )
    return Difference(*(getattr(check_result, field) for field in check_result.__slots__[:-1]), accepted=accepted)


MACHINE = {"python": "3.11", "numpy": "2", "platform": "A", "capability": "AVX2", "device_names": {"cpu": "x"}}
OLD = {**MACHINE, "torch": "2.6.0"}
NEW = {**MACHINE, "torch": "2.13.0", "capability": "AVX512"}


def check_result(*cells: Difference) -> CheckResult:
    return CheckResult(OLD, NEW, cells)


SOME = (
    cell("SGD[plain] single float32 cpu", Change.CHANGED),
    cell("SGD[plain] single float64 cpu", Change.IDENTICAL),
    cell("SGD[plain] foreach float32 cpu", Change.ROUNDING),
    cell("SGD api", Change.CHANGED, accepted="issue 12 (2026-01-01, torch 2.13.0)"),
    cell("Muon api", Change.NEW),
)


def test_a_line_counts_the_cells_of_each_class() -> None:
    assert summary_line(check_result(*SOME), "b") == (
        "b: torch 2.6.0 → 2.13.0, 1 identical, 1 rounding, 1 new, 1 changed, 1 accepted"
    )
    assert summary_line(replace(check_result(*SOME[:1]), unchecked=("A", "B")), "b").endswith(
        ", 1 changed, 2 unchecked"
    )
    assert summary_line(check_result(*SOME[:1]), "b", ["SGD*"]) == "b (SGD*): torch 2.6.0 → 2.13.0, 1 changed"


def test_a_failure_shows_only_failing_cells_and_warns_about_another_machine() -> None:
    message = failure_message(check_result(*SOME), ("changed",), "my baseline")
    assert message.startswith(
        "my baseline: 1 cell of 5 fails under torch 2.13.0, recorded under 2.6.0 (fails on changed)"
    )
    assert "the machines differ in their vector instructions" in message
    assert "check 'my baseline' --accept 'SGD[plain] single float32 cpu' --reason 'WHY'" in message
    assert "foreach" not in message
    both = failure_message(check_result(*SOME), ("rounding",), "b", ("SGD*",))
    assert "SGD[plain] foreach float32 cpu" in both
    assert "check b --only 'SGD*' --fail-on rounding\n" in both
    assert "check b --only 'SGD*' --accept 'SGD[plain] single float32 cpu'" in both


def test_many_cells_are_accepted_by_class_and_many_classes_at_once() -> None:
    many = [cell(f"SGD[plain] single {dtype} cpu", Change.CHANGED) for dtype in ("float16", "bfloat16", "float32")]
    assert accept_patterns(many) == [entry.cell for entry in many]
    assert accept_patterns([*many, cell("SGD api", Change.CHANGED)]) == ["SGD[*", "SGD api"]
    classes = [cell(f"{name}[default] single float32 cpu", Change.GONE) for name in ("A", "B", "C", "D")]
    assert accept_patterns(classes) == ["*"]


def test_a_long_failure_says_how_much_it_leaves_out() -> None:
    classes = [cell(f"Optimizer{number}[default] single float32 cpu", Change.GONE) for number in range(20)]
    message = failure_message(check_result(*classes), ("changed",), "b")
    assert len(message.splitlines()) < 40
    assert "and 14 more differences" in message


def test_json_is_read_back_unchanged() -> None:
    restored = read(render(replace(check_result(*SOME), unchecked=("A",)), ("changed",)))
    assert restored.unchecked == ("A",)
    assert restored.old == OLD
    assert restored.new == NEW
    assert {entry for entry in restored.differences if entry.points} == {entry for entry in SOME if entry.points}
    assert summary_line(restored, "b") == f"{summary_line(check_result(*SOME), 'b')}, 1 unchecked"


def test_a_baseline_that_was_written_in_the_meantime_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text("{}")
    ran: list[tuple[str, ...]] = []

    def once(self: CheckCache, baseline: str, only: tuple[str, ...], targets: tuple[str, ...]) -> CheckResult:
        ran.append(only)
        return check_result()

    monkeypatch.setattr(CheckCache, "_run", once)
    runs = CheckCache(tmp_path)
    for only in ((), (), ("SGD*",), ()):
        runs.result("b", only)
    runs.result(str(tmp_path / "b"), ())
    assert ran == [(), ("SGD*",)]
    (tmp_path / "b" / "manifest.json").write_text("{ }")
    runs.result("b", ())
    assert len(ran) == 3


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (3, "stepcheck: contradicts itself", "ended with 3:\nstepcheck: contradicts itself"),
        (5, "", "nothing was compared"),
    ],
)
def test_a_check_without_a_result_fails(
    code: int, message: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], code, "", message))
    with pytest.raises(pytest.fail.Exception, match=words):
        CheckCache(tmp_path).result("b", ())


def test_guard_is_reached_from_stepcheck_without_heavy_imports() -> None:
    code = (
        "import sys, stepcheck; stepcheck.guard; dir(stepcheck.guard); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = python("-c", f"import sys; sys.path[:0] = {[str(ROOT / name) for name in SOURCES]!r}; {code}")
    assert done.returncode == 0, done.stderr
    assert not {"torch", "sympy", "numpy", "hypothesis", "click"} & set(done.stdout.split())


def test_every_public_name_of_guard_resolves_and_no_module_hides_one() -> None:
    import stepcheck.guard.check_baseline
    import stepcheck.guard.record_baseline

    for name in stepcheck.guard.__all__:
        assert getattr(stepcheck.guard, name) is getattr(stepcheck.guard, name)
    assert callable(stepcheck.guard.record)
    assert callable(stepcheck.guard.check)
    assert set(stepcheck.guard.__all__) <= set(dir(stepcheck.guard))
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        stepcheck.guard.chekc  # noqa: B018


def test_an_invalid_mode_and_a_missing_baseline_are_refused(tmp_path: Path) -> None:
    with pytest.raises(stepcheck.WrongRequest, match="singel"):
        stepcheck.guard.select("torch.optim.AdamW", modes=["singel"])
    with pytest.raises(stepcheck.guard.BadBaseline, match="should be a directory"):
        stepcheck.guard.check(tmp_path / "elsewhere")
