"""Scalars: what a rule computes from hyper-parameters and t alone, with rounding errors of its own.

1 - beta2**t cancels, so a scalar's radius can be far larger than its last place. Each row of the arrays
below is one distinct (hyper-parameters, t, scalar states).

A *counted* scalar depends on t or on a scalar state. Code may compute it from a step count in a tensor, as torch's
capturable optimizers do in binary32, while what depends on hyper-parameters alone stays a Python float
(torch/optim/adam.py, ``_single_tensor_adam``): the two kinds have formats of their own, and a plain scalar is converted
where it meets a counted one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from stepcheck_reference.formats import BINARY64, FORMATS, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.program import Node, Program
from stepcheck_reference.oracle.extended import Backend, Extended, Mask, Reals, exact


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
    state_radii: Mapping[str, Reals] | None = None,
) -> dict[int, Scalar]:
    """Return the scalar nodes of ``program`` by index, evaluated at ``rows`` (symbol name to shape (rows,)).

    A hyper-parameter enters as the exact binary64 the subject received; where scalars are narrower
    than that, the subject's own conversion of it is the first rounding. ``state_radii`` are the radii of scalar
    states that were not observed. A new scalar state is rounded to the format it is stored in.
    """
    count = len(next(iter(rows.values())))
    done: dict[int, Scalar] = {}
    state_radii = state_radii or {}
    outputs = {
        index for index in program.scalar_outputs.values() if program.nodes[index].kind not in ("symbol", "number")
    }
    stored = arithmetic.scalar_states or arithmetic.counted

    def ball(centre: Extended, radius: Reals, span: Reals | None = None) -> Scalar:
        value = wide.lower(centre)
        return Scalar(centre, value, radius, np.abs(value) + radius if span is None else span)

    for index, node in enumerate(program.nodes):
        if not node.scalar:
            continue
        form = arithmetic.scalar_format(node.counted)
        if node.kind == "symbol":
            values = np.broadcast_to(np.asarray(rows[node.name], dtype=np.float64), (count,))
            if arithmetic.held is not None and node.name in program.hyper:
                values = arithmetic.held.round(values)
            inexact = form is not BINARY64 and node.name != "t" and node.name not in program.scalar_states
            radius = np.abs(values) * (form.unit_roundoff if inexact else 0.0)
            done[index] = ball(wide.lift(values), radius + state_radii.get(node.name, 0.0))
        elif node.kind == "number":
            centre = wide.lift(np.zeros(count)) + exact(node.number, wide)
            rounds = node.inexact or float(form.round(np.asarray(float(node.number)))) != node.number
            done[index] = ball(centre, np.abs(wide.lower(centre)) * (form.unit_roundoff if rounds else 0.0))
        else:
            operands = done
            if node.counted and arithmetic.counted is not arithmetic.scalars:
                operands = {
                    i: scalar if program.nodes[i].counted or not _is_rounded_by(program.nodes[i], form)
                    else _converted(scalar, form)
                    for i, scalar in done.items()
                }  # fmt: skip
            if index in outputs and _multiplies_state(program, node):
                # x *= y is computed in the format x is stored in, and y is rounded to that format first.
                operands = {
                    i: _converted(operands[i], stored) if _is_wider(program.nodes[i], arithmetic, stored)
                    else operands[i]
                    for i in node.arguments
                }  # fmt: skip
                form = stored
            result = _operation(node, operands, form, arithmetic, wide, ball)
            if index in outputs and stored.unit_roundoff > form.unit_roundoff:
                result = _converted(result, stored)
            done[index] = result
    return done


def _converted(scalar: Scalar, form: Format) -> Scalar:
    """Return a scalar as an operation of the narrower ``form`` takes it."""
    size = np.abs(scalar.value)
    return replace(scalar, radius=scalar.radius + form.unit_roundoff * (size + scalar.radius))


def _is_wider(node: Node, arithmetic: Arithmetic, form: Format) -> bool:
    """Return whether ``node`` is computed in a wider format than ``form``; a symbol is not computed."""
    return node.kind != "symbol" and arithmetic.scalar_format(node.counted).unit_roundoff < form.unit_roundoff


def _multiplies_state(program: Program, node: Node) -> bool:
    """Return whether ``node`` multiplies a scalar state by something, in place."""
    names = {program.nodes[index].name for index in node.arguments if program.nodes[index].kind == "symbol"}
    return node.kind == "product" and bool(names & set(program.scalar_states))


def _is_rounded_by(node: Node, form: Format) -> bool:
    """Return whether a plain scalar is rounded when it meets ``form``; integers such as 1 are exact."""
    return node.kind != "number" or float(form.round(np.asarray(float(node.number)))) != node.number


def _operation(
    node: Node, done: Mapping[int, Scalar], form: Format, arithmetic: Arithmetic, wide: Backend, ball: Make
) -> Scalar:
    unit, tiny = form.unit_roundoff, max(form.smallest_subnormal / 2, arithmetic.flush)
    arguments = [done[index] for index in node.arguments]
    if node.kind == "sum":
        return _sum(arguments, unit, wide, ball)
    if node.kind == "product":
        return _product(node, arguments, unit, tiny, wide, ball)
    if node.kind == "root":
        return _root(arguments[0], unit, wide, ball)
    if node.kind == "power":
        return _power(arguments[0], arguments[1], unit, tiny, arithmetic, wide, ball)
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
        return _select(node, done, wide, ball)
    if node.kind == "round":
        narrow, own = FORMATS[node.name], arguments[0]
        size = np.abs(own.value) + own.radius
        return ball(own.centre, own.radius + narrow.unit_roundoff * size + narrow.smallest_subnormal / 2)
    raise ValueError(f"no bound is defined for {node.kind}")


def _sum(arguments: Sequence[Scalar], unit: float, wide: Backend, ball: Make) -> Scalar:
    """Return a sum: the last addition rounds the result, those before it partial sums, as in ``sums.sum_ball``."""
    centre = arguments[0].centre
    for argument in arguments[1:]:
        centre = centre + argument.centre
    inner = np.sum([a.radius for a in arguments], axis=0)
    reach = np.sum([np.abs(a.value) + a.radius for a in arguments], axis=0)
    last = unit * (np.abs(wide.lower(centre)) + inner)
    return ball(centre, inner + last + growth(unit, len(arguments) - 2) * reach)


def _product(node: Node, arguments: Sequence[Scalar], unit: float, tiny: float, wide: Backend, ball: Make) -> Scalar:
    """Return a product or quotient, bounded as in ``products.product_ball``, the far end of divisors included."""
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


def _root(radicand: Scalar, unit: float, wide: Backend, ball: Make) -> Scalar:
    low = np.maximum(radicand.value - radicand.radius, 0.0)
    centre = wide.sqrt(radicand.centre)
    root = np.sqrt(np.maximum(radicand.value, 0.0))
    spread = radicand.radius / np.where(root + np.sqrt(low) > 0, root + np.sqrt(low), np.nan)
    radius = np.fmin(spread, np.sqrt(radicand.value + radicand.radius))
    # Python code writes x**0.5 as often as sqrt(x); pow is good to an ulp, so two units and not one.
    return ball(centre, radius + 2.0 * unit * (root + radius))


def _power(
    base: Scalar, exponent: Scalar, unit: float, tiny: float, arithmetic: Arithmetic, wide: Backend, ball: Make
) -> Scalar:
    """Return a power: the base's error at both ends of its ball, the exponent's by the mean value theorem.

    |x^s - x^t| <= |log x|·max(x^s, x^t)·|s - t|. Repeated squaring rounds up to t - 1 times, otherwise the power itself
    is good to ``power_ulps``, each two units of roundoff.
    """
    centre = wide.power(base.centre, exponent.centre)
    value = np.abs(wide.lower(centre))
    high = np.power(np.abs(base.value) + base.radius, exponent.value)
    low = np.power(np.maximum(np.abs(base.value) - base.radius, 0.0), exponent.value)
    spread = np.where(base.radius > 0, np.maximum(np.abs(high - value), np.abs(value - low)), 0.0)
    reach = np.abs(base.value) + base.radius
    slope = np.abs(np.log(np.where(reach > 0, reach, 1.0))) * np.maximum(high, low) * exponent.radius
    repeated = np.expm1(np.maximum(exponent.value, 1.0) * np.log1p(unit))
    relative = repeated if arithmetic.squared else 2.0 * arithmetic.power_ulps * unit
    return ball(centre, spread + slope + relative * (value + spread) + tiny)


def _select(node: Node, done: Mapping[int, Scalar], wide: Backend, ball: Make) -> Scalar:
    """Return the branch each row takes; where rounding decides, the hull of the branches it may take."""
    value = done[node.branches[-1][1]]
    low, high, centre = value.value - value.radius, value.value + value.radius, value.centre
    for condition, index in reversed(node.branches[:-1]):
        assert condition is not None
        branch = done[index]
        true, unsure = _decide(condition, done)
        below, above = branch.value - branch.radius, branch.value + branch.radius
        low = np.where(unsure, np.minimum(low, below), np.where(true, below, low))
        high = np.where(unsure, np.maximum(high, above), np.where(true, above, high))
        centre = np.where(true, branch.centre, centre)
    middle = wide.lower(centre)
    return ball(centre, np.maximum(high - middle, middle - low))


def _decide(condition: tuple[str, int, int], balls: Mapping[int, Scalar]) -> tuple[Mask, Mask]:
    """Return where the condition is true at the centres, and where rounding could turn it."""
    operator, left_index, right_index = condition
    left, right = balls[left_index], balls[right_index]
    gap, reach = left.value - right.value, left.radius + right.radius
    true = compare(operator, gap)
    unsure = (reach > 0) & (np.abs(gap) <= reach)
    return true, unsure


def compare(operator: str, gap: Reals) -> Mask:
    """Return where ``gap operator 0`` is true."""
    relations = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal}
    relations |= {">": np.greater, ">=": np.greater_equal}
    return np.asarray(relations[operator](gap, 0.0))


def growth(unit: float, roundings: int) -> float:
    """Return (1 + unit)**roundings - 1, rounded up; 0 where there are none.

    The relative error of so many roundings one after another (Higham 2002, lemma 3.1, without its denominator);
    1e-12 covers the rounding of expm1 and log1p.
    """
    return float(np.expm1(roundings * np.log1p(unit)) * (1 + 1e-12)) if roundings > 0 else 0.0
