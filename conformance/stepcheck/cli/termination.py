"""SIGTERM and SIGHUP end a run as Ctrl-C does: what is finished is reported and written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")


class Terminated(KeyboardInterrupt):
    """A signal that asks the process to end; its message is the signal's name."""


@contextlib.contextmanager
def termination() -> Iterator[None]:
    """Raise Terminated in the main thread on the first SIGTERM or SIGHUP; those that follow are ignored.

    A signal that the process was started to ignore, as by ``nohup``, or that has a handler already, stays as it is.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    own: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        for other in own:
            signal.signal(other, signal.SIG_IGN)
        raise Terminated(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        own += [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in own:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        for number in own:
            signal.signal(number, signal.SIG_DFL)
