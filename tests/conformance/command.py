"""The command line as its own process: what a user runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("reference", "implementations", "properties", "conformance")
CRASHES = "tests/planted/mechanics/crashes.py:AdamCrashesInStepTwo"
WRONG = "tests/planted/rules/adam.py:AdamEpsInsideRoot"


def environment() -> dict[str, str]:
    """Return an environment that imports the packages of this tree and assumes no terminal."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / source) for source in SOURCES), "NO_COLOR": "1"}


def stepcheck(*arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run ``python -m stepcheck`` from the repository's root and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "stepcheck", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=timeout,
        check=False,
    )


def python(*arguments: str, cwd: Path = ROOT, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run Python without this tree on its path and return what it said."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=plain, timeout=timeout, check=False
    )


def pytest(folder: Path, *arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run pytest with stepcheck's plugin in ``folder``, as somebody who has it installed does."""
    plain = {name: value for name, value in environment().items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "stepcheck.plugin", "-p", "no:cacheprovider", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=plain,
        timeout=timeout,
        check=False,
    )
