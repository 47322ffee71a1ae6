"""The fixture ``stepcheck_guard``: a test that the installed torch does what a baseline recorded.

The check runs in a process of its own, so that pytest's process neither imports torch and SymPy for it nor forks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepcheck.guard.comparison.check_result import POLICIES, CheckResult
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import BROKEN, CONFORMS, INTERRUPTED, NOTHING_COMPARED, WRONG_REQUEST

PROPERTY = "stepcheck.guard"
"""The property of a test that holds the line about its check in pytest's summary."""

_Key = tuple[str, int, int, tuple[str, ...], tuple[str, ...]]
"""A manifest, its size and time, patterns of cells, and targets: a baseline that was written again is another."""


class CheckCache:
    """The checks of one pytest session, each run once; relative paths start from ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._results: dict[_Key, CheckResult] = {}

    def result(self, baseline: str, only: tuple[str, ...], targets: tuple[str, ...] = ()) -> CheckResult:
        """Return the result of ``stepcheck guard check`` for the cells that match ``only``, ``targets`` imported.

        The test fails where there is none. A baseline that was written in the meantime is checked again.
        """
        __tracebackhide__ = True
        manifest = self.root / baseline / "manifest.json"
        if not manifest.is_file():
            return self._run(baseline, only, targets)  # its message says what is missing
        stat = manifest.stat()
        key = (str(manifest.resolve()), stat.st_size, stat.st_mtime_ns, only, targets)
        if key not in self._results:
            self._results[key] = self._run(baseline, only, targets)
        return self._results[key]

    def _run(self, baseline: str, only: tuple[str, ...], targets: tuple[str, ...]) -> CheckResult:
        __tracebackhide__ = True
        from stepcheck.report.guard.check_json import read

        options = [argument for pattern in only for argument in ("--only", pattern)]
        options += [argument for target in targets for argument in ("--target", target)]
        done = subprocess.run(
            [sys.executable, "-m", "stepcheck", "guard", "check", "--json", *options, "--", baseline],
            cwd=self.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode == INTERRUPTED:
            raise KeyboardInterrupt
        if done.returncode == WRONG_REQUEST:
            pytest.fail(done.stderr.strip().rpartition("\n")[2].removeprefix("stepcheck: "), pytrace=False)
        if done.returncode == NOTHING_COMPARED:
            pytest.fail(
                f"baseline={baseline}, but nothing was compared: no cell of it is for this machine", pytrace=False
            )
        if done.returncode not in (CONFORMS, BROKEN):
            pytest.fail(f"stepcheck guard check ended with {done.returncode}:\n{done.stderr}", pytrace=False)
        return read(done.stdout)


@dataclass(frozen=True, slots=True)
class Guard:
    """One baseline in one test; a line about its check stands at the end of the pytest run."""

    baseline: str
    checks: CheckCache
    node: pytest.Item

    def check(
        self,
        *,
        fail_on: str | Sequence[str] = ("changed",),
        only: str | Sequence[str] = (),
        targets: str | Sequence[str] = (),
    ) -> None:
        """Fail where a cell fails, with what differs; the arguments are options of ``stepcheck guard check``.

        ``fail_on`` names "changed", "rounding" or "api"; ``only`` are patterns of cells, as in "AdamW*"; ``targets``
        are those of your own in the baseline, which are imported only where they are named.
        """
        __tracebackhide__ = True
        from stepcheck.report.guard.check_failure import failure_message

        policies = [name.strip() for entry in _several(fail_on) for name in entry.split(",")]
        for policy in policies:
            if policy not in POLICIES:
                pytest.fail(unknown("fail_on", policy, POLICIES), pytrace=False)
        result = self.result(only=only, targets=targets)
        if result.failing(policies):
            message = failure_message(result, policies, self.baseline, _several(only), _several(targets))
            if self.checks.root != Path.cwd():
                message += f"\nboth in    {self.checks.root}"
            pytest.fail(message, pytrace=False)

    def result(self, *, only: str | Sequence[str] = (), targets: str | Sequence[str] = ()) -> CheckResult:
        """Return the result of a check, for a test with conditions of its own."""
        __tracebackhide__ = True
        from stepcheck.report.guard.check_failure import summary_line

        result = self.checks.result(self.baseline, _several(only), _several(targets))
        self.node.user_properties.append((PROPERTY, summary_line(result, self.baseline, _several(only))))
        return result


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _environment() -> dict[str, str]:
    """Return an environment with pytest's import path, and without GitHub's summary page, which is the user's."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    return {**inherited, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
