"""Branches: extrema, signs and selections, where rounding may turn a comparison and the hull of both sides is taken."""

from __future__ import annotations

import numpy as np

from stepcheck_reference.oracle.envelope.ball import Ball, all_of, any_of
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.scalars import compare
from stepcheck_reference.oracle.extended import Extended, Mask, Reals


def absolute_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of an absolute value, which rounds nothing."""
    inner = evaluation.ball(evaluation.nodes[index].arguments[0])
    centre = None if inner.centre is None else np.abs(inner.centre)
    return Ball(np.abs(inner.value), inner.radius, centre, nonnegative=True)


def extremum_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of a maximum or minimum, which rounds nothing.

    |max(x) - max(y)| is at most the largest |xᵢ - yᵢ|, but only of those that can be the extremum at all.
    """
    node = evaluation.nodes[index]
    pick = np.maximum if node.kind == "maximum" else np.minimum
    balls = [evaluation.element(argument) for argument in node.arguments]
    value, centre = balls[0].value, balls[0].centre
    for ball in balls[1:]:
        value = pick(value, ball.value)
        centre = None if centre is None or ball.centre is None else pick(centre, ball.centre)
    radius: Reals | None = None
    if any(ball.radius is not None for ball in balls):
        # What cannot be the extremum, however it rounds, has no part in its radius: a far bound of a clamp.
        chosen = np.max([np.where(ball.value == value, ball.error, 0.0) for ball in balls], axis=0)
        radius = np.zeros(1)
        for ball in balls:
            out = np.abs(ball.value - value) > (ball.error + chosen) * evaluation.apart
            radius = np.maximum(radius, np.where(out, 0.0, ball.error))
    flags = [ball.nonnegative for ball in balls]
    return Ball(value, radius, centre, any_of(flags) if node.kind == "maximum" else all_of(flags))


def sign_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the ball of a sign: exact where the argument's ball has one sign, else all of -1 to 1, the hull."""
    inner = evaluation.ball(evaluation.nodes[index].arguments[0])
    wide, shadow = evaluation.wide, evaluation.shadow
    if inner.radius is None:
        value = np.sign(inner.value)
        return Ball(value, None, wide.lift(value) if shadow else None, inner.nonnegative)
    crosses = (inner.radius > 0) & (np.abs(inner.value) <= inner.radius * evaluation.apart)
    value = np.where(crosses, 0.0, np.sign(inner.value))
    centre = wide.lift(value) if shadow else None
    return Ball(value, np.where(crosses, 1.0, 0.0), centre, inner.nonnegative)


def select_ball(evaluation: Evaluation, index: int) -> Ball:
    """Return the branch each element takes; where rounding decides, the hull of the branches it may take.

    The hull around one branch's value a that also contains b reaches |a - b| + max(rₐ, r_b). The next step starts from
    what the subject observed, so that a hull does not spread. What a branch does outside its elements (a divisor that
    may be 0, a root of what may be negative) raises no flag there.
    """
    branches = evaluation.nodes[index].branches
    chosen_masks, unsure, possible = _choices(evaluation, index)
    value: Reals = np.zeros(1)
    error: Reals = np.zeros(1)
    centre: Extended | None = evaluation.wide.lift(np.zeros(1)) if evaluation.shadow else None
    nonnegative: Mask | bool = True
    for branch_index in reversed(range(len(branches))):
        branch = _guarded(evaluation, index, branch_index, possible[branch_index])
        chosen, maybe = chosen_masks[branch_index], unsure[branch_index]
        if branch_index == len(branches) - 1:
            value, error, centre = branch.value, np.asarray(branch.error), branch.centre
        else:
            hull = np.abs(branch.value - value) + np.maximum(branch.error, error)
            if evaluation.shadow:
                # Both values may be off their centres by their own radii.
                hull = hull + branch.error + error
            error = np.where(maybe, hull, np.where(chosen, branch.error, error))
            value = np.where(chosen, branch.value, value)
            centre = None if centre is None or branch.centre is None else np.where(chosen, branch.centre, centre)
        nonnegative = all_of([nonnegative, branch.nonnegative])
    return Ball(value, error, centre, nonnegative)


def _choices(evaluation: Evaluation, index: int) -> tuple[list[Mask], list[Mask], list[Mask]]:
    """Return, a branch, where its condition is true, where rounding could turn it, and where it may be taken."""
    true, unsure, possible = [], [], []
    settled = np.zeros(1, dtype=np.bool_)
    for condition, _ in evaluation.nodes[index].branches:
        if condition is None:
            true.append(np.ones(1, dtype=np.bool_))
            unsure.append(np.zeros(1, dtype=np.bool_))
            possible.append(~settled)
            continue
        operator, left_index, right_index = condition
        left, right = _compared(evaluation, left_index), _compared(evaluation, right_index)
        gap = left.value - right.value
        reach = np.asarray((left.error + right.error) * evaluation.apart)
        true.append(compare(operator, gap))
        unsure.append((reach > 0) & (np.abs(gap) <= reach))
        possible.append(~settled & (true[-1] | unsure[-1]))
        settled = settled | (true[-1] & ~unsure[-1])
    return true, unsure, possible


def _guarded(evaluation: Evaluation, index: int, branch_index: int, where: Mask) -> Ball:
    """Return a branch of a select, its flags raised only ``where`` it may be taken."""
    branch = evaluation.nodes[index].branches[branch_index][1]
    for shared in evaluation.prepared.program.outside[index, branch_index]:
        evaluation.ball(shared)
    node = evaluation.nodes[branch]
    if branch in evaluation.done or node.kind == "symbol" or node.scalar:
        return evaluation.element(branch)
    top, edge, domain = evaluation.top, evaluation.edge, evaluation.domain
    evaluation.top, evaluation.edge, evaluation.domain = np.zeros_like(top), np.zeros_like(edge), np.zeros_like(domain)
    ball = evaluation.ball(branch)
    evaluation.top = np.maximum(top, np.where(where, evaluation.top, 0.0))
    evaluation.edge = edge | (evaluation.edge & where)
    evaluation.domain = domain | (evaluation.domain & where)
    return ball


def _compared(evaluation: Evaluation, index: int) -> Ball:
    """Return a side of a comparison; scalars are compared as scalars, before they meet a tensor."""
    if not evaluation.nodes[index].scalar:
        return evaluation.ball(index)
    scalar = evaluation.prepared.scalars[index]
    return Ball(scalar.value[evaluation.where], scalar.radius[evaluation.where])
