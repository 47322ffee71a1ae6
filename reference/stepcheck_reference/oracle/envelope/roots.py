"""Square roots: both ends of the argument's ball, and roots of a quotient that are taken apart."""

from __future__ import annotations

import numpy as np

from stepcheck_reference.oracle.envelope.ball import CENTRE, Ball
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.program import Node
from stepcheck_reference.oracle.envelope.scalars import growth
from stepcheck_reference.oracle.extended import Reals


def root_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of a square root.

    |√x - √y| = |x - y| / (√x + √y), and y may be as small as the low end of the ball, so that the divisor is at least
    √low + √(low - r). Near 0 that explodes, while both roots still lie between 0 and √(high + r): the smaller bound
    counts. The root itself is correctly rounded (IEEE 754-2019, section 5.4.1).
    """
    (argument,) = evaluation.nodes[index].arguments
    inner = evaluation.ball(argument)
    value, error = inner.value, inner.error
    if inner.nonnegative is not True:
        evaluation.domain |= (value - error * evaluation.apart < 0) & np.logical_not(inner.nonnegative)
    root = np.sqrt(np.maximum(value, 0.0))
    centre = None
    if inner.centre is not None:
        clipped = inner.centre if inner.nonnegative is True else np.maximum(inner.centre, inner.centre * 0)
        centre = evaluation.wide.sqrt(clipped)
    if inner.radius is None:
        spread: Reals | float = 0.0
    else:
        low = evaluation.lower(inner)
        base = np.sqrt(low) + np.sqrt(np.maximum(low * (1 - CENTRE) - inner.radius, 0.0))
        spread = np.fmin(inner.radius / base, np.sqrt(evaluation.upper(inner) + inner.radius))
    relative = evaluation.unit + evaluation.own + _taken_apart(evaluation, evaluation.nodes[argument])
    radius = spread + relative * (root + 2 * spread)
    return Ball(root, radius, centre, nonnegative=True)


def _taken_apart(evaluation: Evaluation, argument: Node) -> float:
    """Return what √(a/b) needs beyond its own bound to cover √a/√b too.

    Kingma & Ba 2015 (section 2) change the order of computation in this way, and so does torch:
    √v/√(1 - beta2^t). Taken apart, the product's roundings are no longer halved by the root, and each factor's root
    rounds.
    """
    if argument.kind != "product":
        return 0.0
    factors = sum(map(abs, argument.exponents))
    scalars = sum(evaluation.nodes[index].scalar for index in argument.arguments)
    roots = (len(argument.arguments) - scalars - 1) * evaluation.unit
    merged = evaluation.arithmetic.scalar_format(argument.counted).unit_roundoff
    return growth(evaluation.unit, factors - 1) / 2 + roots + 2 * scalars * merged
