"""Scalars: what a rule computes from hyper-parameters and t alone, with the rounding that has of its own.

1 - beta2**t cancels, so a scalar's radius can be far larger than its last place. Each row of the arrays
below is one distinct (hyper-parameters, t, scalar states).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.extended import Backend, Extended, exact
from stepcheck_reference.oracle.program import Node, Program

Reals = NDArray[np.float64]

CENTRE = 2.0**-52
"""Twice the unit roundoff of binary64: bounds what holding a centre in binary64 adds to an operation."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's centre to 113 bits and in binary64, its radius, and a bound on its partial products; shape (rows,)."""

    centre: Extended
    value: Reals
    radius: Reals
    span: Reals


class Make(Protocol):
    """Makes a Scalar of a centre, a radius and, where partial products matter, their bound."""

    def __call__(self, centre: Extended, radius: Reals, span: Reals | None = None) -> Scalar:
        """Return the scalar; without ``span``, its own magnitude is the bound."""


def evaluate_scalars(
    program: Program,
    rows: Mapping[str, Reals],
    arithmetic: Arithmetic,
    wide: Backend,
    spread: Mapping[str, Reals] | None = None,
) -> dict[int, Scalar]:
    """Return the scalar nodes of ``program`` by index, evaluated at ``rows`` (symbol name to shape (rows,)).

    A hyper-parameter enters as the exact binary64 the subject received; where scalars are narrower
    than that, the subject's own conversion of it is the first rounding. ``spread`` holds the radius of scalar
    states that were not seen. A new scalar state is rounded to the format it is kept in.
    """
    count = len(next(iter(rows.values())))
    done: dict[int, Scalar] = {}
    spread = spread or {}
    kept = {index for index in program.kept.values() if program.nodes[index].kind not in ("symbol", "number")}
    keeping = arithmetic.kept or arithmetic.counted

    def ball(centre: Extended, radius: Reals, span: Reals | None = None) -> Scalar:
        value = wide.lower(centre)
        return Scalar(centre, value, radius, np.abs(value) + radius if span is None else span)

    def converted(scalar: Scalar, form: Format) -> Scalar:
        """Return a plain scalar as an operation of the narrower ``form`` takes it."""
        size = np.abs(scalar.value)
        return replace(scalar, radius=scalar.radius + form.unit_roundoff * (size + scalar.radius))

    for index, node in enumerate(program.nodes):
        if not node.scalar:
            continue
        form = arithmetic.scalar_format(node.counted)
        if node.kind == "symbol":
            values = np.broadcast_to(np.asarray(rows[node.name], dtype=np.float64), (count,))
            inexact = form is not BINARY64 and node.name != "t" and node.name not in program.scalar_states
            radius = np.abs(values) * (form.unit_roundoff if inexact else 0.0)
            done[index] = ball(wide.lift(values), radius + spread.get(node.name, 0.0))
        elif node.kind == "number":
            centre = wide.lift(np.zeros(count)) + exact(node.number, wide)
            rounds = node.inexact or float(form.round(np.asarray(float(node.number)))) != node.number
            done[index] = ball(centre, np.abs(wide.lower(centre)) * (form.unit_roundoff if rounds else 0.0))
        else:
            seen = done
            if node.counted and arithmetic.counted is not arithmetic.scalars:
                seen = {
                    i: scalar if program.nodes[i].counted or not _conversion(program.nodes[i], form)
                    else converted(scalar, form)
                    for i, scalar in done.items()
                }  # fmt: skip
            if index in kept and _updates(program, node):
                # x *= y is done where x is kept, and y is rounded to that format first.
                seen = {i: converted(seen[i], keeping) if _wider(program.nodes[i], arithmetic, keeping) else seen[i]
                        for i in node.arguments}  # fmt: skip
                form = keeping
            made = _operation(node, seen, form, arithmetic, wide, ball)
            if index in kept and keeping.unit_roundoff > form.unit_roundoff:
                made = converted(made, keeping)
            done[index] = made
    return done


def _wider(node: Node, arithmetic: Arithmetic, form: Format) -> bool:
    """Return whether ``node`` is worked out in a wider format than ``form``; a symbol is what it is."""
    return node.kind != "symbol" and arithmetic.scalar_format(node.counted).unit_roundoff < form.unit_roundoff


def _updates(program: Program, node: Node) -> bool:
    """Return whether ``node`` multiplies a scalar state by something, in place."""
    names = {program.nodes[index].name for index in node.arguments if program.nodes[index].kind == "symbol"}
    return node.kind == "product" and bool(names & set(program.scalar_states))


def _conversion(node: Node, form: Format) -> bool:
    """Return whether a plain scalar is rounded when it meets ``form``; integers such as 1 are exact."""
    return node.kind != "number" or float(form.round(np.asarray(float(node.number)))) != node.number


def _operation(
    node: Node, done: Mapping[int, Scalar], form: Format, arithmetic: Arithmetic, wide: Backend, ball: Make
) -> Scalar:
    unit, tiny = form.unit_roundoff, max(form.smallest_subnormal / 2, arithmetic.flush)
    arguments = [done[index] for index in node.arguments]
    if node.kind == "sum":
        centre = arguments[0].centre
        for argument in arguments[1:]:
            centre = centre + argument.centre
        inner = np.sum([a.radius for a in arguments], axis=0)
        reach = np.sum([np.abs(a.value) + a.radius for a in arguments], axis=0)
        last = unit * (np.abs(wide.lower(centre)) + inner)
        return ball(centre, inner + last + growth(unit, len(arguments) - 2) * reach)
    if node.kind == "product":
        centre = wide.lift(np.full_like(arguments[0].value, float(node.sign)))
        one = np.ones_like(arguments[0].value)
        size, radius, span, factors = one, 0 * one, one, 0
        for argument, exponent in zip(arguments, node.exponents, strict=True):
            factor, error = np.abs(argument.value), argument.radius
            for _ in range(abs(exponent)):
                centre = centre * argument.centre if exponent > 0 else centre / argument.centre
                low = factor - error
                part, part_error = (factor, error) if exponent > 0 else (1 / factor, error / (factor * low))
                part_error = np.where(low > 0, part_error, np.inf) if exponent < 0 else part_error
                size, radius = size * part, size * part_error + radius * (part + part_error)
                span = span * np.maximum(1.0, part + part_error)
                factors += 1
        roundings = factors - 1 + (all(e < 0 for e in node.exponents))
        rounded = growth(unit, roundings) * (size + radius)
        return ball(centre, radius + rounded + roundings * tiny * span, span)
    if node.kind == "root":
        (radicand,) = arguments
        low = np.maximum(radicand.value - radicand.radius, 0.0)
        centre = wide.sqrt(radicand.centre)
        root = np.sqrt(np.maximum(radicand.value, 0.0))
        spread = radicand.radius / np.where(root + np.sqrt(low) > 0, root + np.sqrt(low), np.nan)
        radius = np.fmin(spread, np.sqrt(radicand.value + radicand.radius))
        # Python code writes x**0.5 as often as sqrt(x); pow is good to an ulp, so two units and not one.
        return ball(centre, radius + 2.0 * unit * (root + radius))
    if node.kind == "power":
        base, raised = arguments
        centre = wide.power(base.centre, raised.centre)
        value = np.abs(wide.lower(centre))
        high = np.power(np.abs(base.value) + base.radius, raised.value)
        low = np.power(np.maximum(np.abs(base.value) - base.radius, 0.0), raised.value)
        spread = np.where(base.radius > 0, np.maximum(np.abs(high - value), np.abs(value - low)), 0.0)
        reach = np.abs(base.value) + base.radius
        slope = np.abs(np.log(np.where(reach > 0, reach, 1.0))) * np.maximum(high, low) * raised.radius
        repeated = np.expm1(np.maximum(raised.value, 1.0) * np.log1p(unit))
        relative = repeated if arithmetic.squared else 2.0 * arithmetic.power_ulps * unit
        return ball(centre, spread + slope + relative * (value + spread) + tiny)
    if node.kind in ("maximum", "minimum"):
        pick = np.maximum if node.kind == "maximum" else np.minimum
        centre = arguments[0].centre
        for argument in arguments[1:]:
            centre = pick(centre, argument.centre)
        return ball(centre, np.max([a.radius for a in arguments], axis=0))
    if node.kind == "absolute":
        return ball(np.abs(arguments[0].centre), arguments[0].radius)
    if node.kind == "sign":
        value, radius = arguments[0].value, arguments[0].radius
        crosses = np.abs(value) < radius
        return ball(wide.lift(np.where(crosses, 0.0, np.sign(value))), np.where(crosses, 1.0, 0.0))
    if node.kind == "select":
        return _selected(node, done, wide, ball)
    raise ValueError(f"no bound is known for {node.kind}")


def _selected(node: Node, done: Mapping[int, Scalar], wide: Backend, ball: Make) -> Scalar:
    """Return the branch each row takes; where rounding decides, the hull of the branches it may take."""
    value = done[node.branches[-1][1]]
    low, high, centre = value.value - value.radius, value.value + value.radius, value.centre
    for condition, index in reversed(node.branches[:-1]):
        assert condition is not None
        branch = done[index]
        holds, unsure = decide(condition, done)
        below, above = branch.value - branch.radius, branch.value + branch.radius
        low = np.where(unsure, np.minimum(low, below), np.where(holds, below, low))
        high = np.where(unsure, np.maximum(high, above), np.where(holds, above, high))
        centre = np.where(holds, branch.centre, centre)
    middle = wide.lower(centre)
    return ball(centre, np.maximum(high - middle, middle - low))


def decide(condition: tuple[str, int, int], balls: Mapping[int, Scalar]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where the condition holds at the centres, and where rounding could turn it."""
    operator, left_index, right_index = condition
    left, right = balls[left_index], balls[right_index]
    gap, reach = left.value - right.value, left.radius + right.radius
    holds = compare(operator, gap)
    unsure = (reach > 0) & (np.abs(gap) <= reach)
    return holds, unsure


def compare(operator: str, gap: Reals) -> NDArray[np.bool_]:
    """Return where ``gap operator 0`` holds."""
    relations = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal}
    relations |= {">": np.greater, ">=": np.greater_equal}
    return np.asarray(relations[operator](gap, 0.0))


def growth(unit: float, roundings: int) -> float:
    """Return (1 + unit)**roundings - 1, rounded up; 0 where there are none."""
    return float(np.expm1(roundings * np.log1p(unit)) * (1 + 1e-12)) if roundings > 0 else 0.0
