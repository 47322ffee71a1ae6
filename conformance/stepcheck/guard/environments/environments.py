"""The environments of the cache: Pythons with one torch each, installed by uv as they are needed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from stepcheck.guard.environments import uv
from stepcheck.guard.environments.environment import (
    Environment,
    Unavailable,
    delete,
    python_in,
    python_tag,
    trust,
    trusted,
)
from stepcheck.guard.environments.file_lock import file_lock
from stepcheck.guard.environments.releases import release_key
from stepcheck.guard.environments.requirements import requirements

_GB = 10**9


def default_cache() -> Path:
    """Return $STEPCHECK_CACHE, else the folder stepcheck in this platform's place for caches."""
    if configured := os.environ.get("STEPCHECK_CACHE"):
        return Path(configured).expanduser().absolute()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        xdg = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache"
    return base / "stepcheck"


class Environments:
    """The environments in ``cache``, installed on demand.

    ``python`` is what uv calls a Python request ("3.12", a path), else it is this interpreter. ``notify`` is called
    with a line about each thing that takes time. ``torch_backend`` is uv's option of that name ("cpu", "cu126",
    "auto"), which selects torch's index; everything else about indexes is uv's own configuration.
    """

    def __init__(
        self,
        cache: Path,
        python: str | None = None,
        notify: Callable[[str], None] = lambda line: None,
        torch_backend: str | None = None,
    ) -> None:
        self.folder = cache.absolute() / "environments"
        self.python = python
        self.notify = notify
        self.torch_backend = torch_backend or os.environ.get("UV_TORCH_BACKEND") or None

    def environment(self, version: str) -> Environment:
        """Return the environment with torch ``version``, installed if needed, by one process at a time.

        Raises Unavailable where there is none, and WrongRequest where ``version`` is no release.
        """
        release_key(version)
        try:
            path = self._path(version)
            environment = trusted(path, version)
            if environment is None:
                with self._locked(path, version) as lock:
                    # another process may have installed it while this one waited for the lock
                    environment = trusted(path, version) or self._install(path, version, lock)
        except OSError as error:
            why = self._disk_full() if error.errno == errno.ENOSPC else f"{self.folder}: {error.strerror or error}"
            raise Unavailable(version, why) from error
        return environment

    def cached(self) -> list[str]:
        """Return the versions whose environments are installed, oldest first."""
        names = (re.match(r"torch-([^-]+)-", path.name) for path in _entries(self.folder))
        versions = {name[1] for name in names if name}
        with contextlib.suppress(Unavailable):
            return sorted((v for v in versions if trusted(self._path(v), v)), key=release_key)
        return []

    def remove(self, version: str) -> None:
        """Delete the environment with torch ``version``, complete or not; raises OSError where that is refused.

        uv keeps what it downloaded in a cache of its own, which ``uv cache prune`` and ``uv cache clean`` are for.
        """
        path = self._path(version)
        if path.exists():
            with self._locked(path, version):
                delete(path)

    def _notify(self, version: str, message: str) -> None:
        self.notify(f"torch {version}: {message}")

    def _locked(self, path: Path, version: str) -> AbstractContextManager[int]:
        """Return the lock of the environment at ``path``: a file next to it, which outlives the environment."""
        return file_lock(
            path.with_name(f".{path.name}.lock"),
            lambda: self._notify(version, "waiting for another process that installs it"),
        )

    def _path(self, version: str) -> Path:
        """Return where the environment is; everything that decides what it holds is part of the name."""
        contents = json.dumps([requirements(version), self.torch_backend])
        digest = hashlib.sha256(contents.encode()).hexdigest()[:8]
        python, platform = self._python_tag(version)
        return self.folder / f"torch-{version}-{python}-{platform}-{digest}"

    def _python_tag(self, version: str) -> tuple[str, str]:
        """Return (tag, platform) of the Python that environments have, as in ("cp311", "linux-x86_64")."""
        if self.python is None:
            return python_tag(sys.executable)
        status, output = uv.run([*self._uv(version), "python", "find", "--no-project", self.python])
        if status == 0 and output.strip():
            return python_tag(output.strip().splitlines()[-1])
        if named := re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?(t?)", self.python):  # uv may yet install it
            return f"cp{named[1]}{named[2]}{named[4]}", sysconfig.get_platform()
        raise Unavailable(version, f"uv finds no Python {self.python}")

    def _uv(self, version: str) -> list[str]:
        command = uv.command()
        if command is None:
            raise Unavailable(version, "uv, which installs it, is not installed: pip install 'stepcheck[matrix]'")
        return command

    def _install(self, path: Path, version: str, lock: int) -> Environment:
        """Install into ``path``, of which nothing is left where that fails.

        uv inherits the descriptor ``lock``: a uv that outlives this process still holds the lock, so that nobody else
        begins to install into the same folder.
        """
        command, began = self._uv(version), time.monotonic()
        if path.exists():
            self._notify(version, "removing an incomplete installation")
            delete(path)
        if _free(self.folder) < self._needed():
            raise Unavailable(version, self._disk_full())
        self._notify(version, f"uv installs it into {path}")
        backend = [f"--torch-backend={self.torch_backend}"] if self.torch_backend else []
        packages = requirements(version)
        steps = (
            ["venv", "--no-project", "--python", self.python or sys.executable, str(path)],
            ["pip", "install", "--no-build", *backend, "--python", str(python_in(path)), *packages],
        )
        try:
            for step in steps:
                status, output = uv.run(
                    [*command, *step], on_line=lambda line: self._downloading(version, line), pass_fds=[lock]
                )
                if status != 0:
                    full = _free(self.folder) < _GB
                    raise Unavailable(version, self._disk_full() if full else uv.failure_reason(output))
            environment = trust(path, version, packages)
        except BaseException:
            with contextlib.suppress(OSError):
                delete(path)
            raise
        self._notify(version, f"installed as {environment.built} in {time.monotonic() - began:.0f} s")
        return environment

    def _downloading(self, version: str, line: str) -> None:
        if package := re.match(r"\s*Downloading (.+)", line):
            self._notify(version, f"downloading {package[1]}")

    def _needed(self) -> int:
        """Return the bytes that torch takes when installed; on Linux its default wheels bring CUDA."""
        brings_cuda = self.torch_backend != "cpu" if sys.platform == "linux" else self.torch_backend is not None
        return 6 * _GB if brings_cuda else 2 * _GB

    def _disk_full(self) -> str:
        needed, free = self._needed() / _GB, _free(self.folder) / _GB
        return f"the disk is full: it needs about {needed:.0f} GB, and {self.folder} has {free:.1f} GB free"


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _free(folder: Path) -> int:
    """Return the free bytes of the disk that ``folder`` is or will be on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
