"""One environment on disk, and when it is trusted.

An installation may be interrupted anywhere: the process is killed, the disk is full, torch does not import. So an
environment counts only if it holds the file ``stepcheck.json``. That is written last, after torch was imported in the
new environment and gave the version that was asked for, and it is deleted first when an environment is removed. A
folder without it is left over from an interrupted installation and is deleted by the next.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepcheck import files
from stepcheck.guard.environments.releases import release_key

_MARKER = "stepcheck.json"
_IMPORT_TIMEOUT = 300.0
"""Seconds that the first import of torch may take."""

_DESCRIBE_PYTHON = """
import json, sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
name = {"cpython": "cp"}.get(sys.implementation.name, sys.implementation.name)
print(json.dumps(["%s%d%d%s" % (name, *sys.version_info[:2], free), sysconfig.get_platform()]))
"""
_IMPORT_TORCH = """
import json, platform
import numpy, torch
torch.from_numpy(numpy.zeros(1, dtype="float32")).numpy()
print(json.dumps({"torch": torch.__version__, "numpy": numpy.__version__, "python": platform.python_version()}))
"""


class Unavailable(Exception):
    """There is no environment with torch ``version`` here; ``reason`` is a clause that says why."""

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(version, reason)
        self.version = version
        self.reason = reason

    def __str__(self) -> str:
        return f"torch {self.version} is not available: {self.reason}"


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python with torch ``version``: its interpreter, and ``torch.__version__`` with its build, as in 2.6.0+cu124."""

    version: str
    python: Path
    built: str


def trusted(path: Path, version: str) -> Environment | None:
    """Return the environment at ``path``; None where its installation did not finish or its Python is gone."""
    try:
        built = json.loads((path / _MARKER).read_text())["torch"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    trusted = isinstance(built, str) and _is_version(built, version) and os.access(python_in(path), os.X_OK)
    return Environment(version, python_in(path), built) if trusted else None


def trust(path: Path, version: str, requirements: Sequence[str]) -> Environment:
    """Import torch in the environment at ``path`` and mark it as complete; raises Unavailable and OSError."""
    versions = _imported_versions(python_in(path), version)
    files.write(path / _MARKER, json.dumps({**versions, "requirements": requirements}, indent=1) + "\n")
    return Environment(version, python_in(path), versions["torch"])


def delete(path: Path) -> None:
    """Delete an environment, its marker first: a deletion that is interrupted leaves nothing that is trusted."""
    (path / _MARKER).unlink(missing_ok=True)
    shutil.rmtree(path)


def python_in(path: Path) -> Path:
    """Return the interpreter of the environment at ``path``."""
    return path / "Scripts" / "python.exe" if os.name == "nt" else path / "bin" / "python"


@functools.cache
def python_tag(python: str) -> tuple[str, str]:
    """Return (tag, platform) of an interpreter, as in ("cp311", "linux-x86_64"); raises OSError."""
    done = subprocess.run([python, "-I", "-c", _DESCRIBE_PYTHON], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(None, f"{python} does not run")
    tag, platform = json.loads(done.stdout)
    return str(tag), str(platform)


def _imported_versions(python: Path, version: str) -> Mapping[str, str]:
    """Return the versions that ``python`` imports: "torch", "numpy" and "python". Raises Unavailable."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _IMPORT_TORCH],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_IMPORT_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(version, f"importing it takes more than {_IMPORT_TIMEOUT:.0f} s") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(version, f"importing it fails: {lines[-1] if lines else f'exit status {done.returncode}'}")
    versions: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    if not _is_version(versions["torch"], version):
        raise Unavailable(version, f"the installed version is torch {versions['torch']}")
    return versions


def _is_version(built: str, version: str) -> bool:
    """Whether ``built`` is ``version``, in any build unless it names one; 2.10 is 2.10.0."""
    try:
        return release_key(built) == release_key(version) and ("+" not in version or built == version)
    except ValueError:
        return False
