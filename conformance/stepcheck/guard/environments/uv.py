"""uv: how it is called, and why it did not install a package."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

_TERMINATION = 10.0
"""Seconds that uv has to end after it is terminated; then it is killed."""
_LONGEST = 300
"""Characters of uv's output that are quoted."""
_PREFIX = r"^\s*(?:cause|caused by|error): "
_CAUSE = re.compile(rf"{_PREFIX}(.*?)(?={_PREFIX}|\n\s*\n|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)


def command() -> list[str] | None:
    """Return how uv is called: the one on the path, else the one installed with stepcheck; None without either."""
    path = shutil.which("uv")
    if path:
        return [path]
    return [sys.executable, "-m", "uv"] if importlib.util.find_spec("uv") else None


def run(
    arguments: Sequence[str], *, on_line: Callable[[str], None] = lambda line: None, pass_fds: Sequence[int] = ()
) -> tuple[int, str]:
    """Return (exit status, all it printed) of the command ``arguments``; it does not outlive an exception here.

    ``on_line`` is called with each line as it comes; the process inherits the file descriptors ``pass_fds``. Raises
    OSError where it cannot be started.
    """
    inherited = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**inherited, "NO_COLOR": "1", "UV_NO_PROGRESS": "1"},
        pass_fds=tuple(pass_fds) if os.name == "posix" else (),
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip())
        return process.wait(), "".join(lines)
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TERMINATION)
            process.kill()
            process.wait()


def failure_reason(output: str, package: str = "torch") -> str:
    """Return one clause on why uv did not install ``package``, from all that it printed."""
    text = re.sub(r"[╰├│─▶×]", " ", output)
    flat = " ".join(text.split())
    if re.search(r"no space left on device|os error 28\b|os error 112\b", flat, re.IGNORECASE):
        return "the disk was full while it was installed"
    if "network was disabled" in flat or "network connectivity is disabled" in flat.lower():
        return "it is not in uv's cache, and uv may not use the network"
    if match := re.search(r"wheels .*?for `([\w.-]+)` \(v?[^)]+\) with the following Python [\w ]*tags?: (.*)", text):
        if match[1] != package:
            return f"there is no wheel of {match[1]} that goes with it for this Python"
        return f"there is no wheel of it for this Python, only for {_pythons(match[2])}"
    if match := re.search(r"[Ww]heels .*?for `([\w.-]+)` .*following platforms?(?: tags?)?: (.*)", text):
        of = "it" if match[1] == package else match[1]
        return f"there is no wheel of {of} for this platform, only for {match[2].replace('`', '').strip()}"
    if re.search(rf"there (is|are) no versions? of {package}\b|\b{package} was not found", flat):
        return "the package indexes that uv uses have no such version"
    if re.search(r"failed to (fetch|download)|error sending request|request failed|timed out", flat, re.IGNORECASE):
        return f"it could not be downloaded: {_last_cause(text)}"
    return f"uv did not install it: {_last_cause(text)}"


def _pythons(tags: str) -> str:
    """Return "Python 3.9 and 3.10" of "`cp39`, `cp310`"."""
    matches = (re.fullmatch(r"cp(\d)(\d+)m?u?(t?)", tag) for tag in re.findall(r"`(\w+)`", tags))
    names = list(dict.fromkeys(f"{tag[1]}.{tag[2]}{tag[3]}" for tag in matches if tag))
    if not names:
        return tags.replace("`", "").strip()
    return f"Python {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}"


def _last_cause(text: str) -> str:
    """Return the last of the causes in ``text``, else its error, else its last line."""
    without_hints = re.sub(r"(?ms)^hint:.*", "", text)
    causes = _CAUSE.findall(without_hints)
    lines = [line.strip() for line in without_hints.splitlines() if line.strip()]
    last = " ".join((causes or lines or ["it gives no reason"])[-1].split())
    return last if len(last) <= _LONGEST else f"{last[:_LONGEST]}…"
