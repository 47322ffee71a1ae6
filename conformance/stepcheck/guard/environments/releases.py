"""Releases: the versions of torch for this Python, their order, and those that a user names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.environments import uv
from stepcheck_reference.suggest import nearest, unknown

NEWEST, INSTALLED = WORDS = ("newest", "installed")
"""Words for a version: the last one released, and the one that stepcheck runs with."""

_FINAL = re.compile(r"(\d+(?:\.\d+)*)(?:\.post(\d+))?")
_BUILD = re.compile(r"[a-z0-9.]*")
_TIMEOUT = 120.0
"""Seconds that the list of releases may take."""


def release_key(version: str) -> tuple[tuple[int, ...], int]:
    """Return a key that orders final releases: 2.9.1 < 2.10.0 = 2.10 < 2.10.0.post1; a build after "+" does not count.

    Raises WrongRequest for anything else.
    """
    final, _, build = version.partition("+")
    match = _FINAL.fullmatch(final)
    if match is None or not _BUILD.fullmatch(build):
        raise WrongRequest(f"torch={version}, but should be a release such as 2.6.0")
    numbers = [int(part) for part in match[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), -1 if match[2] is None else int(match[2])


def public(version: str) -> str:
    """Return ``version`` without the build that follows a "+": 2.6.0 of 2.6.0+cu124."""
    return version.partition("+")[0]


def released(package: str = "torch") -> tuple[str, ...]:
    """Return the final releases of ``package`` for this Python and platform, oldest first, as pip's indexes list them.

    Raises WrongRequest where pip does not list them.
    """
    reason = ""
    for command in _commands():
        try:
            done = subprocess.run(
                [*command, "index", "versions", package],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
                env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COLOR": "1", "PIP_NO_INPUT": "1"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = reason or str(error)
            continue
        listed = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
        if listed is not None:
            return _final(listed[1].split(", "))
        reason = reason or _last_line(done.stderr) or f"exit status {done.returncode}"
    raise WrongRequest(
        f"the releases of {package} could not be listed ({reason}); name them, as in 2.6.0,2.13.0, or see "
        f"`python -m pip index versions {package}`"
    )


def between(good: str, bad: str, released: Sequence[str]) -> tuple[str, ...]:
    """Return the versions of ``released`` from ``good`` to ``bad``, both included, oldest first.

    Raises WrongRequest where one of the two is not released, or ``good`` is not the older one.
    """
    for what, version in (("good", good), ("bad", bad)):
        if version not in released:
            raise WrongRequest(unknown(what, version, released))
    first, last = release_key(good), release_key(bad)
    if first >= last:
        raise WrongRequest(f"good={good}, but should be older than bad={bad}")
    return tuple(sorted((v for v in released if first <= release_key(v) <= last), key=release_key))


def check_versions(text: str, released: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the versions and words of a list such as "2.4.1,2.6.0,newest", unresolved.

    Where ``released`` is given, it has to hold every version. Raises WrongRequest, which names the nearest one.
    """
    versions: list[str] = []
    for entry in (part.strip() for part in text.split(",")):
        if not entry:
            raise WrongRequest(f"torch={text}, but should be versions separated by commas, as in 2.4.1,2.6.0,newest")
        if entry not in WORDS:
            if _FINAL.fullmatch(entry) is None:
                suggestion = nearest(entry, [*WORDS, *released])
                raise WrongRequest(
                    f"torch={entry}, but should be a release such as 2.6.0, or {' or '.join(WORDS)}"
                    + (f" (did you mean {suggestion}?)" if suggestion else "")
                )
            if released and entry not in released:
                raise WrongRequest(unknown("torch", entry, [*released, *WORDS]))
        if entry in versions:
            raise WrongRequest(f"torch={text}, but {entry} is named twice")
        versions.append(entry)
    return tuple(versions)


def _commands() -> list[list[str]]:
    """Return commands that run pip: this Python's, else the one that uv fetches for it."""
    command = uv.command()
    fetched = [[*command, "tool", "run", "--quiet", "--python", sys.executable, "pip"]] if command else []
    return [[sys.executable, "-m", "pip"], *fetched]


def _final(versions: Sequence[str]) -> tuple[str, ...]:
    final = (version.strip() for version in versions)
    return tuple(sorted((version for version in final if _FINAL.fullmatch(version)), key=release_key))


def _last_line(text: str) -> str:
    """Return the last line of ``text`` that is neither a warning nor a notice."""
    lines = [line.strip() for line in text.splitlines()]
    messages = [line for line in lines if line and not line.lower().startswith(("warning", "deprecation", "[notice"))]
    return messages[-1].removeprefix("ERROR: ") if messages else ""
