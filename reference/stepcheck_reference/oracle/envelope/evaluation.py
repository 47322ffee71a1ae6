"""Evaluation: a program's nodes as balls over many elements, each evaluated when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64, Format
from stepcheck_reference.oracle.envelope.ball import CENTRE, Ball, everywhere
from stepcheck_reference.oracle.envelope.scalar_parts import Prepared
from stepcheck_reference.oracle.extended import Mask, Reals


class Evaluation:
    """The balls of one program at flat ``inputs`` (name to shape (n,)), and the flags raised on the way.

    ``lengths`` says how many consecutive elements each of ``rows`` covers. ``top`` bounds the magnitude of every
    intermediate of an element; ``edge`` is where a divisor's ball contains 0, ``domain`` where a root's argument may be
    negative. ``operations`` evaluates an elementwise node by its kind. ``wider`` has the format that a node rounds to
    where that has more bits than the arithmetic's.
    """

    def __init__(
        self,
        prepared: Prepared,
        inputs: Mapping[str, Ball],
        rows: NDArray[np.int64],
        lengths: Sequence[int],
        operations: Mapping[str, Callable[[Evaluation, int], Ball]],
        wider: Mapping[int, Format] | None = None,
    ) -> None:
        self.prepared = prepared
        self.nodes = prepared.program.nodes
        self.inputs = inputs
        self.operations = operations
        # One row for all elements broadcasts; several are repeated to one value an element.
        self.where = slice(rows[0], rows[0] + 1) if len(lengths) == 1 else np.repeat(rows, lengths)
        self.arithmetic = arithmetic = prepared.arithmetic
        self.wide = prepared.wide
        self.unit = arithmetic.operations.unit_roundoff
        self.shadow = arithmetic.storage is BINARY64
        # A binary64 value of the shadow is itself one of the evaluations that the radius covers: it lies within one
        # radius of the centre, and so does the subject's value. They can be two radii apart. Elsewhere the value is
        # the centre, and the subject's is one radius away.
        self.apart = 2 if self.shadow else 1
        # The underflow term of one operation (Higham 2002, eq. 2.8): half the smallest subnormal. For float64 the
        # radius is computed in the same format and itself underflows there, hence four times as much.
        self.tiny = arithmetic.operations.smallest_subnormal * (2.0 if self.shadow else 0.5)
        self.flush = arithmetic.flush
        # A result that is flushed to zero is off by up to the threshold.
        self.tiny = max(self.tiny, self.flush)
        self.wider = wider or {}
        self.roundings: dict[Format | None, tuple[float, float]] = {None: (self.unit, self.tiny)}
        """The unit roundoff and the underflow term of each format of ``wider``, and under None of all other nodes."""
        for form in self.wider.values():
            self.roundings[form] = (form.unit_roundoff, max(2.0 * form.smallest_subnormal, self.flush))
        # What the centre's own rounding adds to an operation; a 113-bit centre has none to speak of.
        self.own = 0.0 if self.shadow else CENTRE
        self.done: dict[int, Ball] = {}
        size = sum(lengths)
        self.top = np.zeros(size)
        self.edge = np.zeros(size, dtype=np.bool_)
        self.domain = np.zeros(size, dtype=np.bool_)

    def ball(self, index: int) -> Ball:
        """Return the ball of a node; a scalar's as it enters a tensor."""
        if index not in self.done:
            node = self.nodes[index]
            self.done[index] = self._entered(index) if node.scalar else self._evaluate(index)
        return self.done[index]

    def _evaluate(self, index: int) -> Ball:
        node = self.nodes[index]
        if node.kind == "symbol":
            return self._read(self.inputs[node.name])
        if node.kind not in self.operations:
            raise ValueError(f"no bound is defined for an elementwise {node.kind}")
        if not self.wider:
            return self.operations[node.kind](self, index)
        outer = self.unit, self.tiny
        self.unit, self.tiny = self.roundings.get(self.wider.get(index), self.roundings[None])
        try:
            return self.operations[node.kind](self, index)
        finally:
            self.unit, self.tiny = outer

    def _entered(self, index: int) -> Ball:
        part, where, addend = self.prepared.parts[index], self.where, self.arithmetic.addend
        centre = None if part.centre is None else part.centre[where]
        radius = part.radius
        if addend is not None:
            radius = radius + addend.unit_roundoff * (part.size + radius) + addend.smallest_subnormal / 2
        return Ball(part.value[where], radius[where], centre, self.by_element(part.value >= radius))

    def _read(self, ball: Ball) -> Ball:
        """Return an input as the subject's operations see it: rounded, and possibly 0 where it is flushed."""
        size, read = np.abs(ball.value), self.arithmetic.read
        if read is not None:
            ball = replace(ball, radius=ball.error + read.unit_roundoff * size + read.smallest_subnormal / 2)
        if not self.flush or not np.any((size > 0) & (size < self.flush)):
            return ball
        return replace(ball, radius=ball.error + np.where(size < self.flush, size, 0.0))

    def element(self, index: int) -> Ball:
        """Return a node as an element of a tensor: a scalar is rounded to the format of the other elements."""
        node, ball, arithmetic = self.nodes[index], self.ball(index), self.arithmetic
        if not node.scalar or arithmetic.addend is not None:
            return ball
        form = arithmetic.operations
        exact = node.kind == "number" and float(form.round(np.asarray(float(node.number)))) == node.number
        if exact or form.unit_roundoff <= arithmetic.entry_format(node.counted).unit_roundoff:
            return ball
        size = np.abs(ball.value) + ball.error
        return replace(ball, radius=ball.error + form.unit_roundoff * size + form.smallest_subnormal / 2)

    def by_element(self, rows: Mask) -> Mask | bool:
        """Return a flag of each row of scalars as a flag of each element."""
        return everywhere(rows) if rows.all() or not rows.any() else rows[self.where]

    def upper(self, ball: Ball) -> Reals:
        """Return a bound on the exact |value|, from which a shadow's value may be off by the radius."""
        size = np.abs(ball.value)
        return size + ball.radius if self.shadow and ball.radius is not None else size

    def lower(self, ball: Ball) -> Reals:
        """Return what the exact |value| is at least."""
        size = np.abs(ball.value)
        if self.shadow and ball.radius is not None:
            return np.asarray(np.maximum(size * (1 - CENTRE) - ball.radius, 0.0))
        return size
