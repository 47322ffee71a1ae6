"""Progress on stderr: a bar on a terminal, sparse plain lines elsewhere."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stepcheck.certification.certificate import CellResult
from stepcheck_reference.verdict import Verdict

Progress = Callable[[int, int, CellResult | None], None]
"""Called with (cells done, all cells, the newest result or None at the start)."""


Count = Callable[[int, int, str], None]
"""Called with (items done, all items, the name of the newest or "" at the start)."""


@contextmanager
def counting(doing: str) -> Iterator[Count]:
    """Yield a callback that counts cells on stderr; ``doing`` says what is done to them, as in "recording"."""
    if not sys.stderr.isatty():
        printed = 0

        def line(done: int, total: int, name: str) -> None:
            nonlocal printed
            quarter = 4 * done // total if total else 0
            printed = min(printed, quarter)  # another round begins
            if quarter > printed:
                printed = quarter
                _print(f"{doing}: {done} of {total} cells")

        yield line
        return
    with _bar() as (bar, _):
        task = bar.add_task(doing, total=None)
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name or doing)


@contextmanager
def _bar() -> Iterator[tuple[Any, Any]]:
    """Yield a bar and its console."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        yield bar, console


Notify = Callable[[str, bool], None]
"""Called with what is being done now, and whether that is a detail, which is shown only where it takes long."""


@contextmanager
def reporting() -> Iterator[tuple[Progress, Notify]]:
    """Yield two callbacks that write to stderr: one for cells that are done, one for what is being done."""
    if not sys.stderr.isatty():
        lines = _Lines()
        with _every(_PATIENCE, lines.still):
            yield lines, lines.notify
        return
    with _bar() as (bar, console):
        task = bar.add_task("starting", total=None)

        def show(done: int, total: int, result: CellResult | None) -> None:
            bar.update(task, completed=done, total=total, **({"description": result.id} if result else {}))
            if result is not None and result.verdict is Verdict.BROKEN:
                console.print(f"✗ {result.id}", style="red", highlight=False)

        yield show, lambda doing, detail: bar.update(task, description=doing)


_PATIENCE = 10.0
"""Seconds without a line after which one says what is still being done."""


@contextmanager
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` every so many ``seconds``, by a signal: a thread would be in the way of processes that are forked.

    Where there is no such signal, or this is not the main thread, it is not called.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: act())
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class _Lines:
    """A line for every quarter, or when a library's next class begins, one for every broken cell, and one for a stage.

    Where nothing has been printed for a while, a line says what is still being done.
    """

    def __init__(self) -> None:
        self.quarter = 0
        self.classes: list[str] = []
        self.began = self.printed = time.monotonic()
        self.doing, self.counted = "", ""

    def notify(self, doing: str, detail: bool) -> None:
        """Keep what is being done, and print it unless it is a detail."""
        self.doing = doing
        if not detail:
            self._print(doing)

    def still(self) -> None:
        """Print what is being done, if nothing was printed for a while."""
        if time.monotonic() - self.printed >= _PATIENCE - 1.0:
            seconds = time.monotonic() - self.began
            self._print(f"{', '.join(filter(None, (self.counted, self.doing)))} ({seconds:.0f} s)")

    def _print(self, text: str) -> None:
        self.printed = time.monotonic()
        _print(text)

    def __call__(self, done: int, total: int, result: CellResult | None) -> None:
        self.counted = f"judging cell {min(done + 1, total)} of {total}"
        if result is None:
            return
        if result.verdict is Verdict.BROKEN:
            self._print(f"{result.id}: broken")
        is_new = result.target not in self.classes
        if is_new:
            self.classes.append(result.target)
        quarter = 4 * done // total if total else 0
        if quarter > self.quarter or (is_new and len(self.classes) > 1):
            self.quarter = quarter
            where = f", at {result.target}" if len(self.classes) > 1 and done < total else ""
            self._print(f"{done} of {total} cells{where}")


def _print(text: str) -> None:
    print(f"stepcheck: {text}", file=sys.stderr, flush=True)
