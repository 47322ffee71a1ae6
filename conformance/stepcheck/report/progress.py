"""Progress on stderr: a bar on a terminal, sparse plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stepcheck.certification.certificate import CellResult
from stepcheck_reference.verdict import Verdict

Progress = Callable[[int, int, CellResult | None], None]
"""Called with (cells done, cells in all, the result that has just come in, None at the start)."""


Count = Callable[[int, int, str], None]
"""Called with (things done, things in all, the one that has just come in, "" at the start)."""


@contextmanager
def counting(doing: str) -> Iterator[Count]:
    """Yield a callback that counts on stderr what is ``doing``, as in "recording"."""
    if not sys.stderr.isatty():
        told = 0

        def line(done: int, total: int, name: str) -> None:
            nonlocal told
            quarter = 4 * done // total if total else 0
            told = min(told, quarter)  # another round begins
            if quarter > told:
                told = quarter
                _say(f"{doing}: {done} of {total} cells")

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
    """A line a quarter, or one when a library's next class begins, and one for every broken cell."""

    def __init__(self) -> None:
        self.told = 0
        self.classes: list[str] = []

    def __call__(self, done: int, total: int, result: CellResult | None) -> None:
        if result is None:
            return
        if result.verdict is Verdict.BROKEN:
            _say(f"{result.id}: broken")
        begun = result.target not in self.classes
        if begun:
            self.classes.append(result.target)
        quarter = 4 * done // total if total else 0
        if quarter > self.told or (begun and len(self.classes) > 1):
            self.told = quarter
            where = f", at {result.target}" if len(self.classes) > 1 and done < total else ""
            _say(f"{done} of {total} cells{where}")


def _say(text: str) -> None:
    print(f"stepcheck: {text}", file=sys.stderr, flush=True)
