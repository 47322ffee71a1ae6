"""Progress on stderr: a bar on a terminal, sparse plain lines elsewhere."""

from __future__ import annotations

import sys
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


@contextmanager
def reporting() -> Iterator[Progress]:
    """Yield a progress callback that writes to stderr."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    with _bar() as (bar, console):
        task = bar.add_task("starting", total=None)

        def show(done: int, total: int, result: CellResult | None) -> None:
            bar.update(task, completed=done, total=total, description=result.id if result else "certifying")
            if result is not None and result.verdict is Verdict.BROKEN:
                console.print(f"✗ {result.id}", style="red", highlight=False)

        yield show


class _Lines:
    """A line for every quarter, or when a library's next class begins, and one for every broken cell."""

    def __init__(self) -> None:
        self.quarter = 0
        self.classes: list[str] = []

    def __call__(self, done: int, total: int, result: CellResult | None) -> None:
        if result is None:
            return
        if result.verdict is Verdict.BROKEN:
            _print(f"{result.id}: broken")
        is_new = result.target not in self.classes
        if is_new:
            self.classes.append(result.target)
        quarter = 4 * done // total if total else 0
        if quarter > self.quarter or (is_new and len(self.classes) > 1):
            self.quarter = quarter
            where = f", at {result.target}" if len(self.classes) > 1 and done < total else ""
            _print(f"{done} of {total} cells{where}")


def _print(text: str) -> None:
    print(f"stepcheck: {text}", file=sys.stderr, flush=True)
