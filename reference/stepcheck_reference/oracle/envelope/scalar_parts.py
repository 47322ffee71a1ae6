"""Scalar parts: what scalars bring to a product with tensors, the same for all elements of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stepcheck_reference.formats import BINARY64
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.ball import CENTRE
from stepcheck_reference.oracle.envelope.program import Node, Program
from stepcheck_reference.oracle.envelope.scalars import Scalar, evaluate_scalars
from stepcheck_reference.oracle.extended import Backend, Extended, Reals


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
    state_radii: Mapping[str, Reals] | None = None,
) -> Prepared:
    """Return ``program`` prepared for ``rows``: symbol name to shape (rows,), hyper-parameters, scalar states and t.

    ``state_radii`` are the radii of scalar states that were not observed.
    """
    with np.errstate(all="ignore"):
        scalars = evaluate_scalars(program, rows, arithmetic, wide, state_radii)
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
        if arithmetic.met is not None and program.nodes[index].counted:
            rounded = arithmetic.met.round(scalar.value)
            scalar = replace(scalar, value=rounded, centre=wide.lift(rounded))
        part = np.abs(scalar.value)
        error = scalar.radius + (0.0 if shadow else CENTRE) * part
        entry = arithmetic.entry_format(program.nodes[index].counted)
        if _is_alpha(program, index, arithmetic.alphas):
            entry = arithmetic.storage
        if arithmetic.relay is not None and not program.nodes[index].counted:
            error = error + arithmetic.relay.unit_roundoff * (part + error)
        # Conversion to the entry format rounds once: |error| <= u |computed| + half the smallest subnormal, and
        # |computed| <= part + error (Higham 2002, eqs. 2.4 and 2.8).
        if entry is not BINARY64:
            error = error + entry.unit_roundoff * (part + error) + entry.smallest_subnormal / 2
            tiny = max(tiny, entry.smallest_subnormal / 2)
        if arithmetic.flush:
            # What may be below the flush threshold may be read as 0: off by itself.
            error = np.where(part - error < arithmetic.flush, np.maximum(part, error), error)
        reach = np.maximum(scalar.span, part + error)
        if exponent < 0:
            # |1/x - 1/y| = |x - y| / |x y|, and |y| may be as small as the far end of the ball, part - error.
            far = part - error
            error = np.where(far > 0, error / (part * far), np.inf)
            part = 1 / part
            reach = part + error
        for _ in range(abs(exponent)):
            value = value * scalar.value if exponent > 0 else value / scalar.value
            if centre is not None:
                centre = centre * scalar.centre if exponent > 0 else centre / scalar.centre
            # |x y - a b| <= |x| s + r (|y| + s) for a within r of x and b within s of y.
            size, radius = size * part, size * error + radius * (part + error)
            span = span * np.maximum(1.0, reach)
            count += 1
    # Scalars merged before they enter may be subnormal together, where none of them is.
    radius = radius + max(count - 1, 0) * tiny * span
    return Part(value, centre, size, radius, span, count, unit)


def _is_alpha(program: Program, index: int, alphas: frozenset[str]) -> bool:
    """Return whether scalar ``index`` is made of ``alphas``, which may name a complement too: "1-beta1"."""
    symbols = program.symbols[index]
    complement = program.nodes[index].kind == "sum" and len(symbols) == 1 and f"1-{min(symbols)}" in alphas
    return bool(symbols) and (symbols <= alphas or complement)
