"""Envelopes: where every element has to land, as a centre and a radius.

The radius is a running error bound on true balls (Wilkinson 1963; Higham 2002, section 3.3): every n-ary
sum and product is bounded for each order of evaluation, underflow included. For subjects of 32 bits and
less the centre is binary64 and its own rounding is part of the radius. For float64 subjects the centre
has 113 bits; a binary64 evaluation of the same equations, itself one of the evaluations the bound
covers, supplies the magnitudes the radius is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.extended import Backend, Extended
from stepcheck_reference.oracle.program import Node, Program
from stepcheck_reference.oracle.scalars import CENTRE, Reals, Scalar, compare, evaluate_scalars, growth

Mask = NDArray[np.bool_]

OUTWARD = 1.0 + 2.0**-40
"""Covers the binary64 rounding of the radius itself: some hundred positive operations."""


@dataclass(frozen=True, slots=True)
class Ball:
    """Arrays of one shape: binary64 value, radius (None: exact), 113-bit centre (None: the value is the centre).

    ``nonnegative`` says of all elements, or of each, that no evaluation can come out below zero, in any order.
    """

    value: Reals
    radius: Reals | None = None
    centre: Extended | None = None
    nonnegative: Mask | bool = False

    @property
    def error(self) -> Reals | float:
        """The radius, 0.0 where exact."""
        return 0.0 if self.radius is None else self.radius


@dataclass(frozen=True, slots=True)
class Bound:
    """One output's envelope and where it says nothing.

    ``out_of_range``: an intermediate may leave the format. ``edge``: a divisor's ball holds 0.
    ``domain``: a root's argument may be negative, so nan is admissible.
    """

    ball: Ball
    out_of_range: Mask
    edge: Mask
    domain: Mask


@dataclass(frozen=True, slots=True)
class Part:
    """The product of ``count`` scalars as it meets a tensor; arrays of shape (rows,).

    ``size`` is |value|, ``radius`` includes the rounding of each scalar on entry, ``span`` bounds every
    partial product. ``unit`` is the unit roundoff of merging them before they meet it.
    """

    value: Reals
    centre: Extended | None
    size: Reals
    radius: Reals
    span: Reals
    count: int
    unit: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """A program with everything evaluated that is the same for all elements: ``parts`` by node."""

    program: Program
    arithmetic: Arithmetic
    wide: Backend
    scalars: Mapping[int, Scalar]
    parts: Mapping[int, Part]


def prepare(
    program: Program,
    rows: Mapping[str, Reals],
    arithmetic: Arithmetic,
    wide: Backend,
    spread: Mapping[str, Reals] | None = None,
) -> Prepared:
    """Return ``program`` prepared for ``rows``: symbol name to shape (rows,), hyper-parameters, scalar states and t.

    ``spread`` is the radius of scalar states that were not seen.
    """
    with np.errstate(all="ignore"):
        scalars = evaluate_scalars(program, rows, arithmetic, wide, spread)
        count = len(next(iter(rows.values())))
        parts: dict[int, Part] = {}
        for index, node in enumerate(program.nodes):
            if index in program.entering:
                alone = Node("product", True, node.counted, (index,), (1,))
                parts[index] = _part(program, alone, scalars, count, arithmetic, wide)
            elif node.kind == "product" and not node.scalar:
                parts[index] = _part(program, node, scalars, count, arithmetic, wide)
    return Prepared(program, arithmetic, wide, scalars, parts)


def _part(
    program: Program, node: Node, scalars: Mapping[int, Scalar], rows: int, arithmetic: Arithmetic, wide: Backend
) -> Part:
    """Return the product of the scalar factors of ``node``, each rounded to the format in which it meets a tensor."""
    shadow = arithmetic.storage is BINARY64
    value, size, radius, span = np.full(rows, float(node.sign)), np.ones(rows), np.zeros(rows), np.ones(rows)
    centre = wide.lift(value) if shadow else None
    count = 0
    unit, tiny = arithmetic.scalar_format(node.counted).unit_roundoff, 0.0
    for index, exponent in zip(node.arguments, node.exponents, strict=True):
        if index not in scalars:
            continue
        scalar = scalars[index]
        part = np.abs(scalar.value)
        error = scalar.radius + (0.0 if shadow else CENTRE) * part
        entry = arithmetic.entry_format(program.nodes[index].counted)
        if _alpha(program, index, arithmetic.alphas):
            entry = arithmetic.storage
        if arithmetic.relay is not None and not program.nodes[index].counted:
            error = error + arithmetic.relay.unit_roundoff * (part + error)
        if entry is not BINARY64:
            error = error + entry.unit_roundoff * (part + error) + entry.smallest_subnormal / 2
            tiny = max(tiny, entry.smallest_subnormal / 2)
        if arithmetic.flush:
            error = np.where(part - error < arithmetic.flush, np.maximum(part, error), error)
        reach = np.maximum(scalar.span, part + error)
        if exponent < 0:
            far = part - error
            error = np.where(far > 0, error / (part * far), np.inf)
            part = 1 / part
            reach = part + error
        for _ in range(abs(exponent)):
            value = value * scalar.value if exponent > 0 else value / scalar.value
            if centre is not None:
                centre = centre * scalar.centre if exponent > 0 else centre / scalar.centre
            size, radius = size * part, size * error + radius * (part + error)
            span = span * np.maximum(1.0, reach)
            count += 1
    # Scalars merged before they enter may be subnormal together, where none of them is.
    radius = radius + max(count - 1, 0) * tiny * span
    return Part(value, centre, size, radius, span, count, unit)


def _alpha(program: Program, index: int, alphas: frozenset[str]) -> bool:
    """Return whether scalar ``index`` is made of ``alphas``, which may name a complement too: "1-beta1"."""
    symbols = program.symbols[index]
    complement = program.nodes[index].kind == "sum" and len(symbols) == 1 and f"1-{min(symbols)}" in alphas
    return bool(symbols) and (symbols <= alphas or complement)


def evaluate(
    prepared: Prepared, inputs: Mapping[str, Ball], rows: NDArray[np.int64], lengths: Sequence[int]
) -> dict[str, Bound]:
    """Return the envelope of every output for flat ``inputs`` (name to shape (n,)).

    ``lengths`` says how many consecutive elements each of ``rows`` covers; they add up to n. States come
    first and theta last, so that a state is compared where only theta is out of reach.
    """
    outputs = prepared.program.outputs
    evaluation = _Evaluation(prepared, inputs, rows, lengths)
    with np.errstate(all="ignore"):
        return {name: evaluation.output(name) for name in sorted(outputs, key=lambda n: n == "theta")}


class _Evaluation:
    def __init__(
        self, prepared: Prepared, inputs: Mapping[str, Ball], rows: NDArray[np.int64], lengths: Sequence[int]
    ) -> None:
        self.prepared = prepared
        self.nodes = prepared.program.nodes
        self.inputs = inputs
        # One row for all elements broadcasts; several are repeated to one value an element.
        self.where = slice(rows[0], rows[0] + 1) if len(lengths) == 1 else np.repeat(rows, lengths)
        self.arithmetic = arithmetic = prepared.arithmetic
        self.wide = prepared.wide
        self.unit = arithmetic.operations.unit_roundoff
        self.shadow = arithmetic.storage is BINARY64
        # Half the smallest subnormal. For float64 the radius itself underflows there, so four times as much.
        self.tiny = arithmetic.operations.smallest_subnormal * (2.0 if self.shadow else 0.5)
        self.flush = arithmetic.flush
        self.tiny = max(self.tiny, self.flush)
        self.own = 0.0 if self.shadow else CENTRE
        self.done: dict[int, Ball] = {}
        size = sum(lengths)
        self.top = np.zeros(size)
        self.edge = np.zeros(size, dtype=np.bool_)
        self.domain = np.zeros(size, dtype=np.bool_)

    def output(self, name: str) -> Bound:
        program = self.prepared.program
        forms, form = program.forms.get(name, ()), self.arithmetic.form
        if form is not None and form <= len(forms):
            ball = self.ball(forms[form - 1])
        else:
            ball = self.ball(program.outputs[name])
            if self.arithmetic.forms and form is None and forms:
                ball = self._either(ball, [self.ball(index) for index in forms])
        out_of_range = ~(self.top <= self.arithmetic.operations.largest)
        value, radius = np.broadcast_to(ball.value, self.top.shape), ball.error
        storage = self.arithmetic.storage if name == "theta" else self.arithmetic.states or self.arithmetic.storage
        if storage is not self.arithmetic.operations:
            radius = radius + storage.unit_roundoff * (np.abs(value) + radius) + storage.smallest_subnormal / 2
            out_of_range |= ~(np.abs(value) + radius <= storage.largest)
        # A radius may be infinite only where a divisor's ball holds 0; everything else infinite is a range matter.
        out_of_range = out_of_range & ~self.edge
        radius = np.broadcast_to(np.asarray(radius * OUTWARD), self.top.shape)
        landed = Ball(value, radius, ball.centre, ball.nonnegative)
        return Bound(landed, out_of_range, self.edge.copy(), self.domain.copy())

    def _either(self, ball: Ball, others: Sequence[Ball]) -> Ball:
        """Return ``ball`` with a radius that covers each of its forms; their values may differ by a rounding."""
        radius = ball.error
        for other in others:
            radius = np.maximum(radius, other.error + np.abs(other.value - ball.value))
        return Ball(ball.value, np.asarray(radius), ball.centre, ball.nonnegative)

    def ball(self, index: int) -> Ball:
        if index not in self.done:
            node = self.nodes[index]
            self.done[index] = self._entered(index) if node.scalar else self._evaluate(index)
        return self.done[index]

    def _entered(self, index: int) -> Ball:
        part, where, addend = self.prepared.parts[index], self.where, self.arithmetic.addend
        centre = None if part.centre is None else part.centre[where]
        radius = part.radius
        if addend is not None:
            radius = radius + addend.unit_roundoff * (part.size + radius) + addend.smallest_subnormal / 2
        return Ball(part.value[where], radius[where], centre, self._rowwise(part.value >= radius))

    def _element(self, index: int) -> Ball:
        """Return a node as an element of a tensor: a scalar among other elements is rounded as they are."""
        node, ball, arithmetic = self.nodes[index], self.ball(index), self.arithmetic
        if not node.scalar or arithmetic.addend is not None:
            return ball
        form = arithmetic.operations
        exact = node.kind == "number" and float(form.round(np.asarray(float(node.number)))) == node.number
        if exact or form.unit_roundoff <= arithmetic.entry_format(node.counted).unit_roundoff:
            return ball
        size = np.abs(ball.value) + ball.error
        return replace(ball, radius=ball.error + form.unit_roundoff * size + form.smallest_subnormal / 2)

    def _rowwise(self, rows: Mask) -> Mask | bool:
        """Return what holds of each row of scalars as what holds of each element."""
        return everywhere(rows) if rows.all() or not rows.any() else rows[self.where]

    def _evaluate(self, index: int) -> Ball:
        node = self.nodes[index]
        if node.kind == "symbol":
            return self._read(self.inputs[node.name])
        if node.kind == "sum":
            return self._sum(index)
        if node.kind == "product":
            return self._product(index)
        if node.kind == "root":
            return self._root(node)
        if node.kind in ("maximum", "minimum"):
            return self._extremum(node)
        if node.kind == "absolute":
            inner = self.ball(node.arguments[0])
            centre = None if inner.centre is None else np.abs(inner.centre)
            return Ball(np.abs(inner.value), inner.radius, centre, nonnegative=True)
        if node.kind == "sign":
            return self._sign(self.ball(node.arguments[0]))
        if node.kind == "select":
            return self._select(index)
        raise ValueError(f"no bound is known for an elementwise {node.kind}")

    def _read(self, ball: Ball) -> Ball:
        """Return an input as the subject's operations see it: rounded, and what is flushed may be 0."""
        size, read = np.abs(ball.value), self.arithmetic.read
        if read is not None:
            ball = replace(ball, radius=ball.error + read.unit_roundoff * size + read.smallest_subnormal / 2)
        if not self.flush or not np.any((size > 0) & (size < self.flush)):
            return ball
        return replace(ball, radius=ball.error + np.where(size < self.flush, size, 0.0))

    def _upper(self, ball: Ball) -> Reals:
        """Return a bound on the exact |value|; a shadow value may itself be off by the radius."""
        size = np.abs(ball.value)
        return size + ball.radius if self.shadow and ball.radius is not None else size

    def _lower(self, ball: Ball) -> Reals:
        size = np.abs(ball.value)
        if self.shadow and ball.radius is not None:
            return np.asarray(np.maximum(size * (1 - CENTRE) - ball.radius, 0.0))
        return size

    def _sum(self, at: int) -> Ball:
        node = self.nodes[at]
        balls = [self.ball(index) for index in node.arguments]
        value, centre = balls[0].value, balls[0].centre
        for ball in balls[1:]:
            value = value + ball.value
            centre = None if centre is None or ball.centre is None else centre + ball.centre
        errors = [ball.radius for ball in balls if ball.radius is not None]
        inner = sum(errors[1:], errors[0]) if errors else np.zeros(1)
        # The last addition rounds the sum itself; the ones before it round partial sums, in any order.
        radius = inner + (self.unit + self.own) * (np.abs(value) + (2 if self.shadow else 1) * inner)
        if len(balls) > 2:
            reach = sum(self._upper(ball) + ball.error for ball in balls)
            count = sum(self.nodes[index].scalar for index in node.arguments)
            merged = self.arithmetic.scalar_format(node.counted).unit_roundoff
            between = growth(self.unit, len(balls) - 2) + growth(merged, count - 1)
            radius = radius + (between + len(balls) * self.own) * reach
        # Only a scalar can lie off the grid of subnormals; sums of numbers on the grid do not underflow.
        offgrid = sum(self.nodes[index].scalar for index in node.arguments)
        if offgrid or self.flush:
            radius = radius + offgrid * self.tiny + (len(balls) - 1) * self.flush
        if node.blend is not None and self.arithmetic.lerp and (self.arithmetic.squares or not node.blend.squared):
            radius = np.maximum(radius, self._lerp(node, value))
        if at in self.prepared.program.decisive:
            # Nothing but exact zeros adds up to zero, whatever the order.
            nothing = [(ball.value == 0.0) & (np.asarray(ball.error) == 0.0) for ball in balls]
            radius = np.where(np.logical_and.reduce(np.broadcast_arrays(*nothing)), 0.0, radius)
        np.maximum(self.top, np.abs(value) + radius, out=self.top)
        return Ball(value, radius, centre, _all([ball.nonnegative for ball in balls]))

    def _lerp(self, node: Node, value: Reals) -> Reals:
        """Return the radius of old + w (new - old), and for w >= 1/2 of new - (new - old)(1 - w) or of both."""
        assert node.blend is not None
        old, new = self.ball(node.blend.old), self.ball(node.blend.new)
        part = self.prepared.parts[node.blend.weight]
        weight, weight_error = part.value[self.where], part.radius[self.where]
        gap = np.abs(node.blend.sign * new.value - old.value)
        gap = gap + (2 if self.shadow else 1) * (old.error + new.error)
        rounded = growth(self.unit, 2)
        low = weight * rounded + weight_error
        high = (1 - weight) * growth(self.unit, 3) + weight_error + self.unit
        upper = np.maximum(low, high) if self.arithmetic.increments else high
        factor = np.where(weight < 0.5, low, upper) + self.own
        inner = gap * factor * (1 + rounded) + weight * new.error + np.abs(1 - weight) * old.error + 2 * self.tiny
        return np.asarray(inner + (self.unit + self.own) * (np.abs(value) + 2 * inner))

    def _product(self, at: int) -> Ball:
        node, part = self.nodes[at], self.prepared.parts[at]
        where, scalars = self.where, part.count
        value = part.value[where]
        span = part.span[where] if np.any(part.span > 1.0) else np.ones(1)
        centre = None if part.centre is None else part.centre[where]
        if not np.all(part.radius < np.inf):
            self.edge |= ~(part.radius < np.inf)[where]
        factors = scalars
        nonnegative = self._rowwise(part.value >= 0)
        exact: Reals | None = None
        inexact: list[tuple[Reals, Reals, Reals]] = []
        for index, exponent in zip(node.arguments, node.exponents, strict=True):
            if self.nodes[index].scalar:
                continue
            ball = self.ball(index)
            factors += abs(exponent)
            nonnegative = _all([nonnegative, exponent % 2 == 0 or ball.nonnegative])
            bound, error = self._upper(ball), ball.radius
            if exponent < 0:
                low = self._lower(ball)
                far = low if error is None else low * (1 - CENTRE) - error
                self.edge |= ~(far > 0)
                bound = 1 / low
                error = None if error is None else np.where(far > 0, error * bound / far, np.inf)
            reach = bound if error is None else bound + error
            clipped = None if np.max(reach, initial=0.0) <= 1.0 else np.maximum(reach, 1.0)
            for _ in range(abs(exponent)):
                value = value * ball.value if exponent > 0 else value / ball.value
                if centre is not None and ball.centre is not None:
                    centre = centre * ball.centre if exponent > 0 else centre / ball.centre
                span = span if clipped is None else span * clipped
                if error is not None:
                    inexact.append((bound, error, reach))
                else:
                    exact = bound if exact is None else exact * bound
        roundings = factors - 1 + (all(e < 0 for e in node.exponents))
        if roundings == 0 and not inexact and not scalars:
            return Ball(value, None, centre, nonnegative)
        relative = growth(self.unit, roundings) + growth(part.unit, scalars - 1) + self._inverted(node)
        radius = self._accumulated(part, exact, inexact, relative, self.own * factors)
        if self.arithmetic.folded and scalars:
            radius = radius + self._folded(node, part) * (np.abs(value) + 2 * radius)
        if roundings:
            radius = radius + (roundings * self.tiny) * span
        if at in self.prepared.program.decisive:
            radius = np.where(self._annulled(node), 0.0, radius)
        np.maximum(self.top, span, out=self.top)
        return Ball(value, radius, centre, nonnegative)

    def _inverted(self, node: Node) -> float:
        """Return what divisors cost beyond a division where their reciprocals multiply instead.

        The reciprocal of a root is one operation, so that the root's own rounding is counted already.
        """
        beyond = 0.0
        for index, exponent in zip(node.arguments, node.exponents, strict=True):
            if exponent < 0 and not self.nodes[index].scalar:
                root = self.nodes[index].kind == "root" and self.arithmetic.inverse_root_ulps > 0
                ulps = self.arithmetic.inverse_root_ulps - 0.5 if root else self.arithmetic.reciprocal_ulps
                beyond += -exponent * 2.0 * ulps * self.unit
        return beyond

    def _annulled(self, node: Node) -> Mask | bool:
        """Return where an exact factor is 0, and with it the product, whatever rounds."""
        zero: Mask | bool = False
        for argument, exponent in zip(node.arguments, node.exponents, strict=True):
            if exponent > 0 and not self.nodes[argument].scalar:
                ball = self.ball(argument)
                zero = zero | ((ball.value == 0.0) & (np.asarray(ball.error) == 0.0))
        return zero

    def _accumulated(
        self,
        part: Part,
        exact: Reals | None,
        inexact: Sequence[tuple[Reals, Reals, Reals]],
        relative: float,
        own: float,
    ) -> Reals:
        """Return a product's radius from its factors' bounds, errors and reaches, and its own roundings.

        What is exact only scales the radius, so it is multiplied in once, after everything that is one
        number a row.
        """
        if not inexact:
            scaled = part.radius * (1 + relative) + part.size * (relative + own)
            return scaled[self.where] if exact is None else scaled[self.where] * exact
        size, radius = part.size[self.where], part.radius[self.where]
        if exact is not None:
            size, radius = size * exact, radius * exact
        for bound, error, reach in inexact:
            size, radius = size * bound, size * error + radius * reach
        return np.asarray(radius * (1 + relative) + size * (relative + own))

    def _folded(self, node: Node, part: Part) -> Reals | float:
        """Return the relative error that distributing the scalars into a divisor's terms adds.

        One rounding of the scalars; and the terms, now divided by the scalars, may leave the range or underflow.
        """
        relative: Reals | float = 0.0
        scale = part.size[self.where]
        for index, exponent in zip(node.arguments, node.exponents, strict=True):
            if exponent >= 0 or self.nodes[index].scalar or self.nodes[index].kind != "sum":
                continue
            ball = self.ball(index)
            low = np.maximum(self._lower(ball) - ball.error, 0.0)
            lost = 3 * self.tiny * scale / low
            relative = relative + part.unit * (1 + self.unit) + np.where(lost < 1, lost / (1 - lost), np.inf)
            # At a step size of 0 the quotient is no rounding matter: the rule itself is well defined there.
            spread = np.where(scale > 0, (self._upper(ball) + ball.error) / scale, 0.0)
            np.maximum(self.top, spread, out=self.top)
        return relative

    def _root(self, node: Node) -> Ball:
        inner = self.ball(node.arguments[0])
        value, error = inner.value, inner.error
        if inner.nonnegative is not True:
            self.domain |= (value - error * (2 if self.shadow else 1) < 0) & np.logical_not(inner.nonnegative)
        root = np.sqrt(np.maximum(value, 0.0))
        centre = None
        if inner.centre is not None:
            clipped = inner.centre if inner.nonnegative is True else np.maximum(inner.centre, inner.centre * 0)
            centre = self.wide.sqrt(clipped)
        if inner.radius is None:
            spread: Reals | float = 0.0
        else:
            low = self._lower(inner)
            base = np.sqrt(low) + np.sqrt(np.maximum(low * (1 - CENTRE) - inner.radius, 0.0))
            spread = np.fmin(inner.radius / base, np.sqrt(self._upper(inner) + inner.radius))
        relative = self.unit + self.own + self._apart(self.nodes[node.arguments[0]])
        radius = spread + relative * (root + 2 * spread)
        return Ball(root, radius, centre, nonnegative=True)

    def _apart(self, argument: Node) -> float:
        """Return what sqrt(a/b) needs beyond its own bound to cover sqrt(a)/sqrt(b) too.

        Taken apart, the product's roundings are no longer halved by the root, and each factor's root rounds.
        """
        if argument.kind != "product":
            return 0.0
        factors = sum(map(abs, argument.exponents))
        scalars = sum(self.nodes[index].scalar for index in argument.arguments)
        roots = (len(argument.arguments) - scalars - 1) * self.unit
        merged = self.arithmetic.scalar_format(argument.counted).unit_roundoff
        return growth(self.unit, factors - 1) / 2 + roots + 2 * scalars * merged

    def _extremum(self, node: Node) -> Ball:
        pick = np.maximum if node.kind == "maximum" else np.minimum
        balls = [self._element(index) for index in node.arguments]
        value, centre = balls[0].value, balls[0].centre
        for ball in balls[1:]:
            value = pick(value, ball.value)
            centre = None if centre is None or ball.centre is None else pick(centre, ball.centre)
        radius: Reals | None = None
        if any(ball.radius is not None for ball in balls):
            # What cannot be the extremum, however it rounds, has no part in its radius: a far bound of a clamp.
            found = np.max([np.where(ball.value == value, ball.error, 0.0) for ball in balls], axis=0)
            radius = np.zeros(1)
            for ball in balls:
                out = np.abs(ball.value - value) > (ball.error + found) * (2 if self.shadow else 1)
                radius = np.maximum(radius, np.where(out, 0.0, ball.error))
        flags = [ball.nonnegative for ball in balls]
        return Ball(value, radius, centre, _any(flags) if node.kind == "maximum" else _all(flags))

    def _sign(self, inner: Ball) -> Ball:
        if inner.radius is None:
            value = np.sign(inner.value)
            return Ball(value, None, self.wide.lift(value) if self.shadow else None, inner.nonnegative)
        crosses = (inner.radius > 0) & (np.abs(inner.value) <= inner.radius * (2 if self.shadow else 1))
        value = np.where(crosses, 0.0, np.sign(inner.value))
        centre = self.wide.lift(value) if self.shadow else None
        return Ball(value, np.where(crosses, 1.0, 0.0), centre, inner.nonnegative)

    def _select(self, at: int) -> Ball:
        """Return the branch each element takes; where rounding decides, the hull of the branches it may take.

        What a branch does outside its elements (a divisor that may be 0, a root of what may be negative) counts
        for nothing there.
        """
        branches = self.nodes[at].branches
        taken, unsure, possible = self._choices(at)
        value: Reals = np.zeros(1)
        error: Reals = np.zeros(1)
        centre: Extended | None = self.wide.lift(np.zeros(1)) if self.shadow else None
        nonnegative: Mask | bool = True
        for place in reversed(range(len(branches))):
            branch = self._guarded(at, place, possible[place])
            chosen, maybe = taken[place], unsure[place]
            if place == len(branches) - 1:
                value, error, centre = branch.value, np.asarray(branch.error), branch.centre
            else:
                hull = np.abs(branch.value - value) + np.maximum(branch.error, error)
                if self.shadow:
                    # Both values may be off their centres by their own radii.
                    hull = hull + branch.error + error
                error = np.where(maybe, hull, np.where(chosen, branch.error, error))
                value = np.where(chosen, branch.value, value)
                centre = None if centre is None or branch.centre is None else np.where(chosen, branch.centre, centre)
            nonnegative = _all([nonnegative, branch.nonnegative])
        return Ball(value, error, centre, nonnegative)

    def _choices(self, at: int) -> tuple[list[Mask], list[Mask], list[Mask]]:
        """Return, a branch, where its condition holds, where rounding could turn that, and where it may be taken."""
        holding, turning, possible = [], [], []
        settled = np.zeros(1, dtype=np.bool_)
        for condition, _ in self.nodes[at].branches:
            if condition is None:
                holding.append(np.ones(1, dtype=np.bool_))
                turning.append(np.zeros(1, dtype=np.bool_))
                possible.append(~settled)
                continue
            operator, left_index, right_index = condition
            left, right = self._compared(left_index), self._compared(right_index)
            gap = left.value - right.value
            reach = np.asarray((left.error + right.error) * (2 if self.shadow else 1))
            holding.append(compare(operator, gap))
            turning.append((reach > 0) & (np.abs(gap) <= reach))
            possible.append(~settled & (holding[-1] | turning[-1]))
            settled = settled | (holding[-1] & ~turning[-1])
        return holding, turning, possible

    def _guarded(self, at: int, place: int, where: Mask) -> Ball:
        """Return a branch of a select, its flags raised only ``where`` it may be taken."""
        index = self.nodes[at].branches[place][1]
        for shared in self.prepared.program.outside[at, place]:
            self.ball(shared)
        if index in self.done or self.nodes[index].kind == "symbol" or self.nodes[index].scalar:
            return self._element(index)
        top, edge, domain = self.top, self.edge, self.domain
        self.top, self.edge, self.domain = np.zeros_like(top), np.zeros_like(edge), np.zeros_like(domain)
        ball = self.ball(index)
        self.top = np.maximum(top, np.where(where, self.top, 0.0))
        self.edge, self.domain = edge | (self.edge & where), domain | (self.domain & where)
        return ball

    def _compared(self, index: int) -> Ball:
        """Return a side of a comparison; scalars are compared as scalars, before they meet a tensor."""
        if not self.nodes[index].scalar:
            return self.ball(index)
        scalar = self.prepared.scalars[index]
        return Ball(scalar.value[self.where], scalar.radius[self.where])


def everywhere(flags: Mask) -> Mask | bool:
    """Return True or False where all of ``flags`` are, else the flags themselves."""
    return True if flags.all() else flags if flags.any() else False


def _all(flags: Sequence[Mask | bool]) -> Mask | bool:
    """Return where all of ``flags`` hold."""
    together: Mask | bool = True
    for flag in flags:
        if flag is False or together is False:
            return False
        together = flag if together is True else together if flag is True else together & flag
    return together


def _any(flags: Sequence[Mask | bool]) -> Mask | bool:
    """Return where one of ``flags`` holds."""
    inverse = _all([not flag if isinstance(flag, bool) else ~flag for flag in flags])
    return not inverse if isinstance(inverse, bool) else ~inverse
