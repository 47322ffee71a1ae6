"""The pytest plugin, in pytest runs of their own."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.command import ROOT, environment
from conformance.command import pytest as run
from stepcheck.pytest_plugin import session as session_module
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.laws import ALL as LAWS

Run = Callable[..., pytest.RunResult]

PLANTED = ROOT / "tests" / "planted"
CONTROL = f"{PLANTED}/rules/controls.py:HandWrittenAdam"
WRONG = f"{PLANTED}/rules/adam.py:AdamEpsInsideRoot"
HEAVY = {"torch", "sympy", "numpy", "hypothesis", "msgspec", "rich", "click"}
CODES = [law.code for law in LAWS]

THREE_LINES = f"""\
import sys

import stepcheck


@stepcheck.cases({CONTROL!r}, rule="adam", dtypes=["float32"], select=["SC1"])
def test_right(case):
    case.check()


@stepcheck.cases({WRONG!r}, rule="adam", dtypes=["float32"], select=["SC1"])
def test_wrong(case):
    case.check()


class TestInAClass:
    @stepcheck.cases(
        {WRONG!r}, rule="adam", dtypes=["float32"], select=["SC1"], expected_failures={{"SC101": "issue 12"}}
    )
    def test_known(self, case):
        case.check()


def test_the_subjects_ran_elsewhere():
    assert "torch" not in sys.modules
"""
SHORT = """\
from dataclasses import replace

from stepcheck_properties import profile

profile.ALL = tuple(replace(entry, reductions=40, longest_run=2, most_tensors=12) for entry in profile.ALL)
"""
"""A conftest.py with which profiles are short, as in this suite."""
WRONG_NAME = "AdamEpsInsideRoot"
WRONG_ID = f"{WRONG_NAME}-default-single-float32-cpu-SC101"


def outcomes(report: Path) -> dict[str, str]:
    """Return how each test of a JUnit report ended: "passed", "failure" or "skipped"."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    ends = ("failure", "error", "skipped")
    return {str(case.get("name")): next((part.tag for part in case if part.tag in ends), "passed") for case in cases}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return the folder of the three lines, and what pytest says of them in one process."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "test_mine.py").write_text(THREE_LINES)
    (folder / "conftest.py").write_text(SHORT)
    return folder, run(folder, "-rsx", "--strict-markers", "-Werror", "--junitxml=alone.xml")


def test_a_right_optimizer_passes_and_a_wrong_one_fails_in_the_law_it_breaks(
    alone: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = alone
    assert done.returncode == 1, done.stdout + done.stderr
    by_test = outcomes(folder / "alone.xml")
    envelopes = [code for code in CODES if code.startswith("SC1")]
    for name in ("right[HandWrittenAdam", f"wrong[{WRONG_NAME}", f"known[{WRONG_NAME}"):
        assert {f"test_{name}-default-single-float32-cpu-{code}]" for code in envelopes} == {
            test for test in by_test if test.startswith(f"test_{name}-default-single-float32-cpu-")
        }
    assert by_test[f"test_wrong[{WRONG_ID}]"] == "failure"
    assert not [name for name, end in by_test.items() if end == "failure" and "AdamEpsInsideRoot" not in name]
    assert by_test[f"test_right[{WRONG_ID.replace('AdamEpsInsideRoot', 'HandWrittenAdam')}]"] == "passed"
    assert by_test[f"test_known[{WRONG_ID}]"] == "skipped"  # as pytest writes an expected failure
    assert by_test["test_the_subjects_ran_elsewhere"] == "passed"


def test_a_failure_says_what_a_user_needs_and_nothing_of_our_inside(
    alone: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    output = alone[1].stdout
    for words in ("✗ SC101 parameters lie inside the envelope", "radii", "stepcheck replay sc1-", "SystemExit(1)"):
        assert words in output
    assert "conformance/stepcheck" not in output
    assert "XFAIL test_mine.py::TestInAClass::test_known" in output
    assert "issue 12" in output


def compared(output: str) -> list[str]:
    """Return what a run says of how much was compared, a line a test function."""
    return sorted(line for line in output.splitlines() if "element-steps compared, worst ratio" in line)


def test_a_run_and_its_junit_report_say_how_much_was_compared(
    alone: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = alone
    assert [line.partition(": 1 cell, ")[0] for line in compared(done.stdout)] == [
        "test_mine.py::TestInAClass::test_known",
        "test_mine.py::test_right",
        "test_mine.py::test_wrong",
    ]
    properties = ElementTree.parse(folder / "alone.xml").getroot().iter("property")
    steps = [int(str(entry.get("value"))) for entry in properties if entry.get("name") == "stepcheck.compared"]
    assert len(steps) == 3 * len([code for code in CODES if code.startswith("SC1")])
    assert min(steps) > 10_000


def test_ids_and_outcomes_are_the_same_in_several_processes(
    alone: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, before = alone
    done = run(folder, "-n", "2", "--junitxml=two.xml", "-k", "not right")
    assert done.returncode == 1, done.stdout + done.stderr
    chosen = {name: end for name, end in outcomes(folder / "alone.xml").items() if "right" not in name}
    assert outcomes(folder / "two.xml") == chosen
    assert compared(done.stdout) == [line for line in compared(before.stdout) if "right" not in line]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester, fork_server: str) -> Run:
    """Return what runs pytest in this process, in a folder of its own, with the session's fork server."""
    monkeypatch.setattr(session_module, "Workers", functools.partial(Workers, address=fork_server))
    return functools.partial(pytester.runpytest_inprocess, "-p", "stepcheck.plugin", "-p", "no:cacheprovider")


def test_cases_are_chosen_with_k_and_with_the_mark(inside: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine=THREE_LINES)
    chosen = ("-m", "stepcheck", "-k", "elsewhere or (test_wrong and single-float32 and SC101)")
    lines = inside("--collect-only", "-q", *chosen).outlines
    assert [line for line in lines if "::" in line] == [f"test_mine.py::test_wrong[{WRONG_ID}]"]


def test_a_target_is_certified_without_a_test_file(inside: Run, pytester: pytest.Pytester) -> None:
    options = ["--stepcheck-target", WRONG, "--stepcheck-as", "adam", "--stepcheck-dtype", "float32,float64"]
    done = inside(*options, "--stepcheck-set", "lr=0.5", "--pyargs", "stepcheck", "-rf")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    output = done.stdout.str()
    for dtype in ("float32", "float64"):
        assert f"test_target[AdamEpsInsideRoot-default-single-{dtype}-cpu-SC101]" in output
    assert "lr=0.5" in output
    assert f"collected {2 * len(CODES)} items" in output
    assert list(pytester.path.iterdir()) == []


def test_without_a_target_it_says_how_to_name_one(inside: Run) -> None:
    done = inside("--pyargs", "stepcheck")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert "pytest --stepcheck-target TARGET --pyargs stepcheck" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_target_that_no_test_would_use_is_refused(inside: Run) -> None:
    done = inside("--stepcheck-target", WRONG)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "needs `--pyargs stepcheck`" in done.stderr.str()


def test_an_impossible_request_is_one_sentence_at_collection(inside: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_mine="""\
        import stepcheck
        @stepcheck.cases("torch.optim.AdamW", expected_failures={"SC1O1": "a letter"})
        def test_adamw(case):
            case.check()
        """,
        test_other="""\
        import stepcheck
        @stepcheck.cases("torch.optim.AdamW")
        def test_forgot():
            pass
        """,
    )
    done = inside()
    assert done.ret == pytest.ExitCode.INTERRUPTED
    output = done.stdout.str()
    assert "test_adamw: expected_failures=SC1O1, but should be one of" in output
    assert "(did you mean SC101?)" in output
    assert "test_forgot() should take the argument `case`" in output
    assert "Traceback" not in output


PROFILES = f"""\
import stepcheck
from hypothesis import settings


@stepcheck.cases({CONTROL!r}, rule="adam", dtypes=["float32"])
def test_profile(case):
    assert case.session.request.profile == "standard"


@stepcheck.cases({CONTROL!r}, rule="adam", dtypes=["float32"], profile="quick", seed=7)
def test_its_own_profile(case):
    assert (case.session.request.profile, case.session.request.seed) == ("quick", 7)


def test_hypothesis():
    assert settings.get_current_profile_name() == "stepcheck-ci"
    assert settings().derandomize
    assert settings().database is None
"""


def test_a_hypothesis_profile_is_found_by_its_own_option_and_cases_follow_it(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(PROFILES)
    done = run(tmp_path, "--hypothesis-profile=stepcheck-ci")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = run(tmp_path, "--hypothesis-profile=stepcheck-cy")
    assert wrong.returncode == 4
    assert "did you mean stepcheck-ci?" in wrong.stderr


def test_the_plugin_imports_nothing_heavy() -> None:
    code = "import pytest, sys; before = set(sys.modules); import stepcheck.plugin; print(*(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names == {"stepcheck"}
    assert len([name for name in loaded if name.startswith("stepcheck")]) <= 4


def test_a_run_without_cases_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        f"import sys\n\n\ndef test_light():\n    assert not {HEAVY!r} & set(sys.modules)\n"
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
