"""Products and quotients: their bound for every order of evaluation, underflow and folded divisors included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepcheck_reference.oracle.envelope.ball import CENTRE, Ball, all_of, is_exact_zero
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.program import Node
from stepcheck_reference.oracle.envelope.scalar_parts import Part
from stepcheck_reference.oracle.envelope.scalars import growth
from stepcheck_reference.oracle.extended import Mask, Reals


def product_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of an n-ary product, in which divisors are factors with negative exponents.

    Whatever the order, k factors take k - 1 roundings, each relative to the product: ((1 + u)^(k-1) - 1)·|Π| in all
    (Higham 2002, lemma 3.1); one more where there are only divisors, for the 1 that they divide. Beside that an
    operation may underflow, each time by half the smallest subnormal (Higham 2002, eq. 2.8; Demmel 1984), which the
    factors that follow may magnify: by Π max(1, |factor| + r) at most, the ``span``. (lr·m)/den underflows before it is
    divided by a tiny den.
    """
    node, part = evaluation.nodes[index], evaluation.prepared.parts[index]
    where, scalars = evaluation.where, part.count
    value = part.value[where]
    span = part.span[where] if np.any(part.span > 1.0) else np.ones(1)
    centre = None if part.centre is None else part.centre[where]
    if not np.all(part.radius < np.inf):
        evaluation.edge |= ~(part.radius < np.inf)[where]
    factors = scalars
    nonnegative = evaluation.by_element(part.value >= 0)
    exact: Reals | None = None
    inexact: list[tuple[Reals, Reals, Reals]] = []
    for argument, exponent in zip(node.arguments, node.exponents, strict=True):
        if evaluation.nodes[argument].scalar:
            continue
        ball = evaluation.ball(argument)
        factors += abs(exponent)
        nonnegative = all_of([nonnegative, exponent % 2 == 0 or ball.nonnegative])
        bound, error = evaluation.upper(ball), ball.radius
        if exponent < 0:
            # |1/x - 1/y| = |x - y| / |x y|: y may be at the far end of the ball, |x| - r, and where that is not above 0
            # the ball contains 0 and nothing can be claimed of the quotient.
            low = evaluation.lower(ball)
            far = low if error is None else low * (1 - CENTRE) - error
            evaluation.edge |= ~(far > 0)
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
    relative = growth(evaluation.unit, roundings) + growth(part.unit, scalars - 1) + _reciprocals(evaluation, node)
    radius = _radius(evaluation, part, exact, inexact, relative, evaluation.own * factors)
    if evaluation.arithmetic.folded and scalars:
        radius = radius + _folded(evaluation, node, part) * (np.abs(value) + 2 * radius)
    if roundings:
        radius = radius + (roundings * evaluation.tiny) * span
    if index in evaluation.prepared.program.decisive:
        radius = np.where(_has_zero_factor(evaluation, node), 0.0, radius)
    np.maximum(evaluation.top, span, out=evaluation.top)
    return Ball(value, radius, centre, nonnegative)


def _reciprocals(evaluation: Evaluation, node: Node) -> float:
    """Return what divisors cost beyond a division where their reciprocals multiply instead.

    The reciprocal of a root is one operation, so that the root's own rounding is counted already. An ulp is at most two
    units of roundoff of the result.
    """
    arithmetic = evaluation.arithmetic
    beyond = 0.0
    for index, exponent in zip(node.arguments, node.exponents, strict=True):
        if exponent < 0 and not evaluation.nodes[index].scalar:
            root = evaluation.nodes[index].kind == "root" and arithmetic.inverse_root_ulps > 0
            ulps = arithmetic.inverse_root_ulps - 0.5 if root else arithmetic.reciprocal_ulps
            beyond += -exponent * 2.0 * ulps * evaluation.unit
    return beyond


def _has_zero_factor(evaluation: Evaluation, node: Node) -> Mask | bool:
    """Return where an exact factor is 0, and with it the product, whatever rounds."""
    zero: Mask | bool = False
    for argument, exponent in zip(node.arguments, node.exponents, strict=True):
        if exponent > 0 and not evaluation.nodes[argument].scalar:
            zero = zero | is_exact_zero(evaluation.ball(argument))
    return zero


def _radius(
    evaluation: Evaluation,
    part: Part,
    exact: Reals | None,
    inexact: Sequence[tuple[Reals, Reals, Reals]],
    relative: float,
    own: float,
) -> Reals:
    """Return a product's radius from its factors' bounds, errors and reaches, and its own roundings.

    Errors of factors accumulate by |x y - a b| <= |x| s + r (|y| + s). Exact factors only scale the radius: they are
    multiplied in once, after everything that is one number a row, which saves half the work on whole arrays.
    """
    where = evaluation.where
    if not inexact:
        scaled = part.radius * (1 + relative) + part.size * (relative + own)
        return scaled[where] if exact is None else scaled[where] * exact
    size, radius = part.size[where], part.radius[where]
    if exact is not None:
        size, radius = size * exact, radius * exact
    for bound, error, reach in inexact:
        size, radius = size * bound, size * error + radius * reach
    return np.asarray(radius * (1 + relative) + size * (relative + own))


def _folded(evaluation: Evaluation, node: Node, part: Part) -> Reals | float:
    """Return the relative error that distributing the scalars into a divisor's terms adds.

    torch's capturable Adam divides √v and eps by the step size and adds them up, where the paper multiplies the
    quotient by it (torch/optim/adam.py, ``_single_tensor_adam``): one rounding of the scalars; and the terms, now
    divided by the scalars, may leave the range or underflow. Two terms and their sum
    may each underflow by ``tiny``, out of a divisor of at least low/scale. A divisor that is too small by a share
    ``lost_share`` makes the quotient too large by lost_share/(1 - lost_share).
    """
    relative: Reals | float = 0.0
    scale = part.size[evaluation.where]
    for index, exponent in zip(node.arguments, node.exponents, strict=True):
        if exponent >= 0 or evaluation.nodes[index].scalar or evaluation.nodes[index].kind != "sum":
            continue
        ball = evaluation.ball(index)
        low = np.maximum(evaluation.lower(ball) - ball.error, 0.0)
        lost_share = 3 * evaluation.tiny * scale / low
        relative = (
            relative
            + part.unit * (1 + evaluation.unit)
            + np.where(lost_share < 1, lost_share / (1 - lost_share), np.inf)
        )
        # At a step size of 0 the quotient is no rounding matter: the rule itself is well defined there.
        divided = np.where(scale > 0, (evaluation.upper(ball) + ball.error) / scale, 0.0)
        np.maximum(evaluation.top, divided, out=evaluation.top)
    return relative
