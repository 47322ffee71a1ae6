"""Series: each tensor's steps with a gradient as arrays, cut into batches that are evaluated at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import Format
from stepcheck_reference.oracle.extended import Extended, Mask, Reals


@dataclass(frozen=True, slots=True)
class Series:
    """One tensor's steps with a gradient, steps along the first axis: everything its envelope needs.

    ``run`` and ``tensor`` number the script and its tensor; ``rows`` number each step's row of scalars. ``old`` and
    ``new`` map theta, g and states to shape (steps, size), ``old_wide`` and ``new_wide`` to the same in 113 bits;
    ``old_radii`` are the radii of old states that are not known exactly. ``present`` maps theta and states to shape
    (steps,): whether the subject had the state after the step. ``wider`` has the format of each state that is stored in
    more bits than the tensor.
    """

    run: int
    tensor: int
    steps: NDArray[np.int64]
    rows: NDArray[np.int64]
    old: dict[str, Reals]
    new: dict[str, Reals]
    present: dict[str, Mask]
    old_wide: dict[str, Extended]
    new_wide: dict[str, Extended]
    old_radii: dict[str, Reals]
    wider: tuple[tuple[str, Format], ...] = ()

    @property
    def size(self) -> int:
        """How many reals the tensor has."""
        return int(self.old["theta"].shape[1])

    def all_present(self) -> Mask:
        """Return, shape (steps, size), whether the subject had every state after the step."""
        rows = np.logical_and.reduce(list(self.present.values()))
        return np.broadcast_to(rows[:, None], self.old["theta"].shape)


@dataclass(frozen=True, slots=True)
class SeriesSlice:
    """Consecutive elements of one series, steps one after another: flat positions ``start`` to ``stop``."""

    series: Series
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many reals the slice has."""
        return self.stop - self.start

    def cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return this slice of an array of shape (steps, size)."""
        return values.reshape(-1)[self.start : self.stop]

    def position(self, offset: int) -> tuple[int, int]:
        """Return which of the series' steps and which element is ``offset`` positions in."""
        step, index = divmod(self.start + offset, self.series.size)
        return int(step), int(index)


@dataclass(frozen=True, slots=True)
class Segment:
    """One run's part of a batch: consecutive slices, at flat positions ``start`` to ``stop`` of the batch."""

    run: int
    slices: list[SeriesSlice]
    start: int
    stop: int


def segments(batch: list[SeriesSlice]) -> list[Segment]:
    """Return the segment of each run in ``batch``, in which a run's slices are consecutive."""
    result: list[Segment] = []
    start = 0
    for run, group in groupby(batch, key=lambda part: part.series.run):
        slices = list(group)
        stop = start + sum(part.size for part in slices)
        result.append(Segment(run, slices, start, stop))
        start = stop
    return result


def batches(series: list[Series], most: int) -> Iterator[list[SeriesSlice]]:
    """Yield all elements of all steps in batches of at most ``most``; an element's two complex parts stay together.

    A large tensor's step gets batches of its own, because a batch with one row of scalars needs no copies of them.
    """
    batch: list[SeriesSlice] = []
    room = most
    for one in series:
        steps, size = one.old["theta"].shape
        large = size > most // 4
        start = 0
        while start < steps * size:
            end = (start // size + 1) * size if large else steps * size
            if batch and (large or not room):
                yield batch
                batch, room = [], most
            stop = min(end, start + room)
            batch.append(SeriesSlice(one, start, stop))
            room -= stop - start
            start = stop
            if large:
                room = 0
    if batch:
        yield batch


def offsets(batch: list[SeriesSlice], tensor: int, index: int) -> Iterator[int]:
    """Yield the flat position of element ``index`` of ``tensor`` in ``batch``, once a step."""
    before = 0
    for part in batch:
        if part.series.tensor == tensor:
            size = part.series.size
            yield from range(before + (index - part.start) % size, before + part.size, size)
        before += part.size


def scalar_rows(batch: list[SeriesSlice]) -> tuple[NDArray[np.int64], list[int]]:
    """Return the scalar rows that ``batch`` uses, neighbours merged, and how many elements each covers."""
    each = np.concatenate([np.repeat(part.series.rows, part.series.size)[part.start : part.stop] for part in batch])
    starts = np.flatnonzero(np.diff(each, prepend=-1))
    return each[starts], np.diff(starts, append=len(each)).tolist()
