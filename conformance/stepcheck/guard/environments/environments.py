"""Environments: Pythons with one torch each, installed by uv into a cache and trusted only once they are whole."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from stepcheck import files
from stepcheck.guard.environments import uv
from stepcheck.guard.environments.lock import held
from stepcheck.guard.environments.releases import release_key


@dataclass(frozen=True, slots=True)
class Pin:
    """What is installed beside torch from version ``since`` to before ``below``, and why."""

    requirement: str
    why: str
    since: str = "0"
    below: str | None = None

    def applies(self, version: str) -> bool:
        """Whether it goes with this version of torch."""
        return release_key(self.since) <= release_key(version) and (
            self.below is None or release_key(version) < release_key(self.below)
        )


PINS = (
    Pin("numpy", "arrays go to and from the worker"),
    Pin("numpy<2", "it is compiled against numpy 1, and its tensors do not become arrays of numpy 2", below="2.3"),
    Pin(
        "numpy<2; sys_platform == 'win32'",
        "as before, on Windows: https://github.com/pytorch/pytorch/issues/131668",
        since="2.3",
        below="2.4.1",
    ),
    Pin("setuptools", "torch.compile imports it on CPU, and 2.3.1, 2.5.1 and 2.9.1 do not ask for it on Python 3.11"),
)
"""What goes into an environment beside torch."""

_GB = 10**9
_MARK = "stepcheck.json"
"""The file that is written last: an environment without it is half built."""
_IMPORTING = 300.0
"""Seconds that the first import of torch may take."""

_TELL = """
import json, sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
name = {"cpython": "cp"}.get(sys.implementation.name, sys.implementation.name)
print(json.dumps(["%s%d%d%s" % (name, *sys.version_info[:2], free), sysconfig.get_platform()]))
"""
_IMPORT = """
import json, platform
import numpy, torch
torch.from_numpy(numpy.zeros(1, dtype="float32")).numpy()
print(json.dumps({"torch": torch.__version__, "numpy": numpy.__version__, "python": platform.python_version()}))
"""


class Unavailable(Exception):
    """No environment with torch ``version`` can be had here; ``reason`` is a clause that says why."""

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


def default_cache() -> Path:
    """Return $STEPCHECK_CACHE, else the folder stepcheck in this platform's place for caches."""
    if chosen := os.environ.get("STEPCHECK_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        given = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return base / "stepcheck"


def requirements(version: str) -> tuple[str, ...]:
    """Return what is installed for torch ``version``; raises WrongRequest where that is no release."""
    return (f"torch=={version}", *(pin.requirement for pin in PINS if pin.applies(version)))


class Environments:
    """The environments in ``cache``, made as they are asked for.

    ``python`` is what uv calls a Python request ("3.12", a path), else it is this interpreter. ``say`` hears a line
    at a time of what is going on. ``torch_backend`` is uv's option of that name ("cpu", "cu126", "auto"), which picks
    torch's index; all else about indexes is uv's own configuration.
    """

    def __init__(
        self,
        cache: Path,
        python: str | None = None,
        say: Callable[[str], None] = lambda line: None,
        torch_backend: str | None = None,
    ) -> None:
        self.folder = cache.absolute() / "environments"
        self.python = python
        self.say = say
        self.torch_backend = torch_backend or os.environ.get("UV_TORCH_BACKEND") or None

    def environment(self, version: str) -> Environment:
        """Return the environment with torch ``version``, installed if it is not there; one process at a time does.

        Raises Unavailable where it cannot be had, and WrongRequest where ``version`` is no release.
        """
        release_key(version)
        try:
            place = self._place(version)
            found = _whole(place, version)
            if found is None:
                with self._locked(place, version) as lock:
                    found = _whole(place, version) or self._made(place, version, lock)
        except OSError as error:
            why = self._full() if error.errno == errno.ENOSPC else f"{self.folder}: {error.strerror or error}"
            raise Unavailable(version, why) from error
        return found

    def cached(self) -> list[str]:
        """Return the versions whose environments are there, oldest first."""
        names = (re.match(r"torch-([^-]+)-", path.name) for path in _entries(self.folder))
        versions = {name[1] for name in names if name}
        with contextlib.suppress(Unavailable):
            return sorted((v for v in versions if _whole(self._place(v), v)), key=release_key)
        return []

    def remove(self, version: str) -> None:
        """Delete the environment with torch ``version``, whole or half; raises OSError where that is refused.

        uv keeps what it downloaded in a cache of its own, which ``uv cache prune`` and ``uv cache clean`` are for.
        """
        place = self._place(version)
        if place.exists():
            with self._locked(place, version):
                _delete(place)

    def _tell(self, version: str, what: str) -> None:
        self.say(f"torch {version}: {what}")

    def _locked(self, place: Path, version: str) -> AbstractContextManager[int]:
        """Return the lock on ``place``, beside it."""
        return held(
            place.with_name(f".{place.name}.lock"),
            lambda: self._tell(version, "another process is at work on it, waiting"),
        )

    def _place(self, version: str) -> Path:
        """Return where the environment is; it is named after all that decides what is in it."""
        wanted = json.dumps([requirements(version), self.torch_backend])
        digest = hashlib.sha256(wanted.encode()).hexdigest()[:8]
        python, platform = self._interpreter(version)
        return self.folder / f"torch-{version}-{python}-{platform}-{digest}"

    def _interpreter(self, version: str) -> tuple[str, str]:
        """Return (tag, platform) of the Python that environments get, as in ("cp311", "linux-x86_64")."""
        if self.python is None:
            return _tag(sys.executable)
        status, said = uv.run([*self._uv(version), "python", "find", "--no-project", self.python])
        if status == 0 and said.strip():
            return _tag(said.strip().splitlines()[-1])
        if named := re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?(t?)", self.python):  # uv may yet install it
            return f"cp{named[1]}{named[2]}{named[4]}", sysconfig.get_platform()
        raise Unavailable(version, f"uv finds no Python {self.python}")

    def _uv(self, version: str) -> list[str]:
        found = uv.command()
        if found is None:
            raise Unavailable(version, "uv, which installs it, is not installed: pip install 'stepcheck[matrix]'")
        return found

    def _made(self, place: Path, version: str, lock: int) -> Environment:
        """Install into ``place``; the descriptor of the lock goes to uv, so that one that outlives us keeps it."""
        command, began = self._uv(version), time.monotonic()
        if place.exists():
            self._tell(version, "what was left half installed is removed")
            _delete(place)
        if _free(self.folder) < self._needed():
            raise Unavailable(version, self._full())
        self._tell(version, f"uv installs it into {place}")
        backend = [f"--torch-backend={self.torch_backend}"] if self.torch_backend else []
        python = str(_python(place))
        steps = (
            ["venv", "--no-project", "--python", self.python or sys.executable, str(place)],
            ["pip", "install", "--no-build", *backend, "--python", python, *requirements(version)],
        )
        try:
            for step in steps:
                status, said = uv.run([*command, *step], hear=lambda line: self._heard(version, line), keep=[lock])
                if status != 0:
                    raise Unavailable(version, self._full() if _free(self.folder) < _GB else uv.reason(said))
            told = _imported(_python(place), version)
            files.write(place / _MARK, json.dumps({**told, "requirements": requirements(version)}, indent=1) + "\n")
        except BaseException:
            with contextlib.suppress(OSError):
                _delete(place)
            raise
        self._tell(version, f"installed as {told['torch']} in {time.monotonic() - began:.0f} s")
        return Environment(version, _python(place), told["torch"])

    def _heard(self, version: str, line: str) -> None:
        if found := re.match(r"\s*Downloading (.+)", line):
            self._tell(version, f"downloading {found[1]}")

    def _needed(self) -> int:
        """Return the bytes that torch takes unpacked; wheels that bring CUDA are Linux' default."""
        brings_cuda = self.torch_backend != "cpu" if sys.platform == "linux" else self.torch_backend is not None
        return 6 * _GB if brings_cuda else 2 * _GB

    def _full(self) -> str:
        needed, free = self._needed() / _GB, _free(self.folder) / _GB
        return f"the disk is full: it needs about {needed:.0f} GB, and {free:.1f} GB are free in {self.folder}"


def _imported(python: Path, version: str) -> dict[str, str]:
    """Return the versions that ``python`` imports: "torch", "numpy" and "python". Raises Unavailable."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _IMPORT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_IMPORTING,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(version, f"importing it takes more than {_IMPORTING:.0f} s") from error
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(version, f"importing it fails: {said[-1] if said else f'exit status {done.returncode}'}")
    told: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    if not _same(told["torch"], version):
        raise Unavailable(version, f"what was installed calls itself torch {told['torch']}")
    return told


def _whole(place: Path, version: str) -> Environment | None:
    """Return the environment at ``place``, or None where it is half built or its Python is gone."""
    try:
        built = json.loads((place / _MARK).read_text())["torch"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = isinstance(built, str) and _same(built, version) and os.access(_python(place), os.X_OK)
    return Environment(version, _python(place), built) if whole else None


def _same(built: str, version: str) -> bool:
    """Whether ``built`` is ``version``, whichever build that is unless it names one; 2.10 is 2.10.0."""
    try:
        return release_key(built) == release_key(version) and ("+" not in version or built == version)
    except ValueError:
        return False


@functools.cache
def _tag(python: str) -> tuple[str, str]:
    """Return (tag, platform) of an interpreter; raises OSError where it does not tell."""
    done = subprocess.run([python, "-I", "-c", _TELL], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(None, f"{python} does not run")
    tag, platform = json.loads(done.stdout)
    return str(tag), str(platform)


def _python(place: Path) -> Path:
    return place / "Scripts" / "python.exe" if os.name == "nt" else place / "bin" / "python"


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _delete(place: Path) -> None:
    """Delete an environment, and first of all what makes it trusted."""
    (place / _MARK).unlink(missing_ok=True)
    shutil.rmtree(place)


def _free(folder: Path) -> int:
    """Return the bytes that are free where ``folder`` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
