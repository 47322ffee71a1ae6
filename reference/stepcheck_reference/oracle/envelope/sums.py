"""Sums: their bound for every order of evaluation, and that of averages which a subject computes as a lerp."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.envelope.ball import Ball, all_of, is_exact_zero
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.program import Node
from stepcheck_reference.oracle.envelope.scalars import growth
from stepcheck_reference.oracle.extended import Reals


def sum_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of an n-ary sum.

    Whatever the order, each of k - 1 additions rounds once (Higham 2002, section 4.2). The last one rounds the sum
    itself, by at most u·|computed sum|: this is the running part, and where terms cancel it is small. The k - 2 before
    it round partial sums, none of which exceeds Σ(|xᵢ| + rᵢ): together ((1 + u)^(k-2) - 1)·Σ(|xᵢ| + rᵢ).
    """
    node, unit, own = evaluation.nodes[index], evaluation.unit, evaluation.own
    balls = [evaluation.ball(argument) for argument in node.arguments]
    value, centre = balls[0].value, balls[0].centre
    for ball in balls[1:]:
        value = value + ball.value
        centre = None if centre is None or ball.centre is None else centre + ball.centre
    errors = [ball.radius for ball in balls if ball.radius is not None]
    inner = sum(errors[1:], errors[0]) if errors else np.zeros(1)
    # The computed sum before its last rounding is at most |value| + inner; two radii where the value is a shadow's.
    radius = inner + (unit + own) * (np.abs(value) + evaluation.apart * inner)
    scalars = sum(evaluation.nodes[argument].scalar for argument in node.arguments)
    if len(balls) > 2:
        reach = sum(evaluation.upper(ball) + ball.error for ball in balls)
        # Scalar terms may be added up first, in the scalars' own format.
        merged = evaluation.arithmetic.scalar_format(node.counted).unit_roundoff
        between = growth(unit, len(balls) - 2) + growth(merged, scalars - 1)
        radius = radius + (between + len(balls) * own) * reach
        if evaluation.wider:
            # Terms of the narrow format may be added up in it, before they meet the wide one.
            narrow = [
                evaluation.upper(ball) + ball.error
                for argument, ball in zip(node.arguments, balls, strict=True)
                if argument not in evaluation.wider
            ]
            radius = radius + growth(evaluation.roundings[None][0], len(balls) - 2) * sum(narrow)
    # Sums of numbers on the grid of subnormals do not underflow: they are exact there (Hauser 1996; Higham 2002,
    # problem 2.19). Only a scalar, which may have more bits, can lie off that grid.
    if scalars or evaluation.flush:
        radius = radius + scalars * evaluation.tiny + (len(balls) - 1) * evaluation.flush
    arithmetic = evaluation.arithmetic
    if node.blend is not None and arithmetic.lerp and (arithmetic.squares or not node.blend.squared):
        radius = np.maximum(radius, _lerp_radius(evaluation, node, value))
    if index in evaluation.prepared.program.decisive:
        # Only exact zeros add up to exactly zero in every order; then no rounding can change the sign.
        zeros = np.logical_and.reduce(np.broadcast_arrays(*(is_exact_zero(ball) for ball in balls)))
        radius = np.where(zeros, 0.0, radius)
    np.maximum(evaluation.top, np.abs(value) + radius, out=evaluation.top)
    return Ball(value, radius, centre, all_of([ball.nonnegative for ball in balls]))


def lerp_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of an average that was read as ``torch.lerp``; its centre is old + w·(new - old)."""
    node = evaluation.nodes[index]
    assert node.blend is not None
    old, new = evaluation.ball(node.blend.old), evaluation.ball(node.blend.new)
    part = evaluation.prepared.parts[node.blend.weight]
    weight = part.value[evaluation.where]
    value, centre = (1 - weight) * old.value + weight * new.value, None
    if old.centre is not None and new.centre is not None and part.centre is not None:
        share = part.centre[evaluation.where]
        centre = old.centre + share * (new.centre - old.centre)
    radius = _lerp_radius(evaluation, node, value)
    np.maximum(evaluation.top, np.abs(value) + radius, out=evaluation.top)
    return Ball(value, radius, centre, all_of([old.nonnegative, new.nonnegative]))


def round_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of what is rounded once more, where it is converted to another format."""
    node = evaluation.nodes[index]
    ball, form = evaluation.ball(node.arguments[0]), FORMATS[node.name]
    size = evaluation.upper(ball) + ball.error
    return replace(ball, radius=ball.error + form.unit_roundoff * size + form.smallest_subnormal / 2)


def _lerp_radius(evaluation: Evaluation, node: Node, value: Reals) -> Reals:
    """Return the radius of old + w·(new - old), and for w >= 1/2 of new - (new - old)·(1 - w), or of both.

    torch evaluates ``lerp(start, end, weight)`` in the first form for |weight| < 1/2 and in the second otherwise
    (aten/src/ATen/native/Lerp.h), so that beta1 <= 1/2 takes the second. There the gap new - old is rounded (u),
    multiplied (u), and with 1 - w, which may itself be off by u as it is at most 1, and by the weight's own error, off
    by (1 - w)·((1 + u)³ - 1) + u + weight error, relative to the gap; it is the gap, not the result, that these are
    relative to, and it does not shrink where old and new cancel. The first form is off by w·((1 + u)² - 1) + weight
    error. The last addition rounds the result.
    """
    assert node.blend is not None
    unit, own = evaluation.unit, evaluation.own
    old, new = evaluation.ball(node.blend.old), evaluation.ball(node.blend.new)
    part = evaluation.prepared.parts[node.blend.weight]
    weight, weight_error = part.value[evaluation.where], part.radius[evaluation.where]
    gap = np.abs(node.blend.sign * new.value - old.value)
    gap = gap + evaluation.apart * (old.error + new.error)
    rounded = growth(unit, 2)
    low = weight * rounded + weight_error
    high = (1 - weight) * growth(unit, 3) + weight_error + unit
    upper = np.maximum(low, high) if evaluation.arithmetic.increments or node.kind == "lerp" else high
    factor = np.where(weight < 0.5, low, upper) + own
    inner = gap * factor * (1 + rounded) + weight * new.error + np.abs(1 - weight) * old.error + 2 * evaluation.tiny
    return np.asarray(inner + (unit + own) * (np.abs(value) + 2 * inner))
