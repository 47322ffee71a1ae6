"""The fixture ``stepcheck_guard``: a baseline that a test holds the installed torch to.

The check runs in a process of its own, so that pytest's imports neither torch nor SymPy for it and forks nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepcheck.guard.comparison.check_result import POLICIES, Checked
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import BROKEN, CONFORMS, INTERRUPTED, NOTHING_COMPARED, WRONG_REQUEST

PROPERTY = "stepcheck.guard"
"""The property of a test that tells what its check found."""

Key = tuple[str, int, int, tuple[str, ...]]


class Runs:
    """The checks of one pytest session, each run once; ``root`` is what relative paths start from."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[Key, Checked] = {}

    def checked(self, baseline: str, only: tuple[str, ...]) -> Checked:
        """Return what ``stepcheck guard check`` finds of the cells that ``only`` chooses; fails where it finds nothing.

        A baseline that was written in the meantime is checked again.
        """
        __tracebackhide__ = True
        manifest = self.root / baseline / "manifest.json"
        if not manifest.is_file():
            return self._run(baseline, only)  # says what is missing
        found = manifest.stat()
        key = (str(manifest.resolve()), found.st_size, found.st_mtime_ns, only)
        if key not in self._found:
            self._found[key] = self._run(baseline, only)
        return self._found[key]

    def _run(self, baseline: str, only: tuple[str, ...]) -> Checked:
        __tracebackhide__ = True
        from stepcheck.report.guard.check_json import read

        patterns = [argument for pattern in only for argument in ("--only", pattern)]
        done = subprocess.run(
            [sys.executable, "-m", "stepcheck", "guard", "check", "--json", *patterns, "--", baseline],
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
    """One baseline in one test; what is checked is told at the end of the pytest run."""

    baseline: str
    runs: Runs
    node: pytest.Item

    def check(self, *, fail_on: str | Sequence[str] = ("changed",), only: str | Sequence[str] = ()) -> None:
        """Fail with what differs where a cell fails; ``fail_on`` and ``only`` are those of ``stepcheck guard check``.

        ``fail_on`` names "changed", "rounding" or "api"; ``only`` are patterns of cells, as in "AdamW*".
        """
        __tracebackhide__ = True
        from stepcheck.report.guard.check_failure import failure

        policies = [name.strip() for entry in _several(fail_on) for name in entry.split(",")]
        for policy in policies:
            if policy not in POLICIES:
                pytest.fail(unknown("fail_on", policy, POLICIES), pytrace=False)
        found = self.checked(only=only)
        if found.failing(policies):
            told = failure(found, policies, self.baseline, _several(only))
            if self.runs.root != Path.cwd():
                told += f"\nboth in    {self.runs.root}"
            pytest.fail(told, pytrace=False)

    def checked(self, *, only: str | Sequence[str] = ()) -> Checked:
        """Return what a check finds, for a test that has conditions of its own."""
        __tracebackhide__ = True
        from stepcheck.report.guard.check_failure import line

        found = self.runs.checked(self.baseline, _several(only))
        self.node.user_properties.append((PROPERTY, line(found, self.baseline, _several(only))))
        return found


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _environment() -> dict[str, str]:
    """Return an environment in which what pytest can import is found; a page of GitHub is the user's to write."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    plain = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    return {**plain, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
