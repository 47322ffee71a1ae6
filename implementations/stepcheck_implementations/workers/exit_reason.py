"""Exit reasons: how a process ended, which line of its subject was running, and what it last printed."""

from __future__ import annotations

import linecache
import re
import signal

from stepcheck_implementations.driver.error_text import printable

OUTPUT_TAIL = 32_000
"""Bytes kept of what a process printed last; the stack that ``faulthandler`` prints is among them."""
_QUOTED_OUTPUT = 600
"""Characters of it that an error message quotes."""
_FATAL = re.compile(r"^(Fatal Python error: .*|Windows fatal exception: .*)$", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


def exit_reason(status: int | None, output: str, file: str = "") -> str:
    """Return how a process ended: its exit ``status``, minus the signal, and what it printed, in ``output``.

    ``file`` ends the path of the subject's source: the innermost line of it in a stack that was printed is quoted.
    """
    if status is None:
        reason = "the process ended"
    elif status < 0:
        try:
            reason = f"the process was ended by {signal.Signals(-status).name}"
            reason += " (by hand, or because memory ran out)" if -status == signal.SIGKILL else ""
        except ValueError:
            reason = f"the process was ended by signal {-status}"
    else:
        reason = f"the process exited with status {status}"
    fatal = next(reversed(list(_FATAL.finditer(output))), None)
    if fatal is not None:
        reason += _running(output[fatal.end() :], file)
        output = output[: fatal.start()]
    printed = printable(output[-_QUOTED_OUTPUT:])
    return f"{reason}; it last printed: {printed}" if printed else reason


def _running(stack: str, file: str) -> str:
    """Return which line of ``file`` was running, by the stack that was printed, innermost frame first."""
    frames = [(path, int(line), name) for path, line, name in _FRAME.findall(stack)]
    own = [frame for frame in frames if file and frame[0].endswith(file)]
    for path, line, name in own[:1]:
        code = printable(linecache.getline(path, line))[:_QUOTED_OUTPUT]
        return f" in {name}, {path.rpartition('/')[2]} line {line}" + (f": {code}" if code else "")
    return ""
