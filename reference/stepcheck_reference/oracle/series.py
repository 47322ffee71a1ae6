"""Tracks: each tensor's steps with a gradient as arrays, cut into pieces that are evaluated at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.oracle.extended import Extended
from stepcheck_reference.oracle.scalars import Reals

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Series:
    """One tensor's steps with a gradient, steps along the first axis: everything its envelope needs.

    ``run`` and ``tensor`` number the script and its tensor; ``spread`` is the radius of old states that are
    not known exactly.
    """

    run: int
    tensor: int
    steps: NDArray[np.int64]
    rows: NDArray[np.int64]
    old: dict[str, Reals]
    new: dict[str, Reals]
    held: dict[str, Mask]
    pairs: bool
    old_wide: dict[str, Extended]
    new_wide: dict[str, Extended]
    spread: dict[str, Reals]

    def all_held(self) -> Mask:
        """Return, shape (steps, size), whether the subject held every state after the step."""
        rows = np.logical_and.reduce(list(self.held.values()))
        return np.broadcast_to(rows[:, None], self.old["theta"].shape)


@dataclass(frozen=True, slots=True)
class SeriesSlice:
    """Consecutive elements of one track, steps one after another: flat positions ``start`` to ``stop``."""

    track: Series
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many reals the piece has."""
        return self.stop - self.start

    def cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return this piece of an array of shape (steps, size)."""
        return values.reshape(-1)[self.start : self.stop]

    def place(self, offset: int) -> tuple[int, int]:
        """Return which of the track's steps and which element is ``offset`` positions in."""
        step, index = divmod(self.start + offset, self.track.old["theta"].shape[1])
        return int(step), int(index)


@dataclass(frozen=True, slots=True)
class Segment:
    """What one run has in a lot: consecutive pieces, at flat positions ``start`` to ``stop`` of the lot."""

    run: int
    pieces: list[SeriesSlice]
    start: int
    stop: int


def segments(pieces: list[SeriesSlice]) -> list[Segment]:
    """Return the share of each run in the lot ``pieces``, in which a run's pieces stand together."""
    found: list[Segment] = []
    start = 0
    for run, mine in groupby(pieces, key=lambda piece: piece.track.run):
        share = list(mine)
        stop = start + sum(piece.size for piece in share)
        found.append(Segment(run, share, start, stop))
        start = stop
    return found


def batches(tracks: list[Series], most: int) -> Iterator[list[SeriesSlice]]:
    """Yield all elements of all steps in lots of at most ``most``; an element's two complex parts stay together.

    A large tensor's step gets lots of its own, because a lot with one row of scalars needs no copies of them.
    """
    lot: list[SeriesSlice] = []
    room = most
    for track in tracks:
        steps, size = track.old["theta"].shape
        wide = size > most // 4
        start = 0
        while start < steps * size:
            end = (start // size + 1) * size if wide else steps * size
            if lot and (wide or not room):
                yield lot
                lot, room = [], most
            stop = min(end, start + room)
            lot.append(SeriesSlice(track, start, stop))
            room -= stop - start
            start = stop
            if wide:
                room = 0
    if lot:
        yield lot


def places(pieces: list[SeriesSlice], tensor: int, index: int) -> Iterator[int]:
    """Yield where element ``index`` of ``tensor`` stands among the elements of ``pieces``, once a step."""
    before = 0
    for piece in pieces:
        if piece.track.tensor == tensor:
            size = piece.track.old["theta"].shape[1]
            yield from range(before + (index - piece.start) % size, before + piece.size, size)
        before += piece.size


def runs(pieces: list[SeriesSlice]) -> tuple[NDArray[np.int64], list[int]]:
    """Return the scalar rows that ``pieces`` use, neighbours merged, and how many elements each covers."""
    each = np.concatenate([np.repeat(p.track.rows, p.track.old["theta"].shape[1])[p.start : p.stop] for p in pieces])
    starts = np.flatnonzero(np.diff(each, prepend=-1))
    return each[starts], np.diff(starts, append=len(each)).tolist()
