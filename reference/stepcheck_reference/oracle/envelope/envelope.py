"""Envelope: the bound of every output of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.oracle.envelope.ball import OUTWARD, Ball, Bound
from stepcheck_reference.oracle.envelope.branches import absolute_ball, extremum_ball, select_ball, sign_ball
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.products import product_ball
from stepcheck_reference.oracle.envelope.roots import root_ball
from stepcheck_reference.oracle.envelope.scalar_parts import Prepared
from stepcheck_reference.oracle.envelope.sums import sum_ball

OPERATIONS: Mapping[str, Callable[[Evaluation, int], Ball]] = {
    "sum": sum_ball,
    "product": product_ball,
    "root": root_ball,
    "maximum": extremum_ball,
    "minimum": extremum_ball,
    "absolute": absolute_ball,
    "sign": sign_ball,
    "select": select_ball,
}
"""How each kind of elementwise node is bounded."""


def evaluate(
    prepared: Prepared, inputs: Mapping[str, Ball], rows: NDArray[np.int64], lengths: Sequence[int]
) -> dict[str, Bound]:
    """Return the envelope of every output for flat ``inputs`` (name to shape (n,)).

    ``lengths`` says how many consecutive elements each of ``rows`` covers; they add up to n. States come
    first and theta last, so that a state is compared where only theta is out of reach.
    """
    outputs = prepared.program.outputs
    evaluation = Evaluation(prepared, inputs, rows, lengths, OPERATIONS)
    with np.errstate(all="ignore"):
        return {name: _output(evaluation, name) for name in sorted(outputs, key=lambda n: n == "theta")}


def _output(evaluation: Evaluation, name: str) -> Bound:
    program, arithmetic = evaluation.prepared.program, evaluation.arithmetic
    forms, form = program.forms.get(name, ()), arithmetic.form
    if form is not None and form <= len(forms):
        ball = evaluation.ball(forms[form - 1])
    else:
        ball = evaluation.ball(program.outputs[name])
        if arithmetic.forms and form is None and forms:
            ball = _any_form(ball, [evaluation.ball(index) for index in forms])
    out_of_range = ~(evaluation.top <= arithmetic.operations.largest)
    value, radius = np.broadcast_to(ball.value, evaluation.top.shape), ball.error
    storage = arithmetic.storage if name == "theta" else arithmetic.states or arithmetic.storage
    if storage is not arithmetic.operations:
        radius = radius + storage.unit_roundoff * (np.abs(value) + radius) + storage.smallest_subnormal / 2
        out_of_range |= ~(np.abs(value) + radius <= storage.largest)
    # A radius may be infinite only where a divisor's ball contains 0; everything else infinite is a range matter.
    out_of_range = out_of_range & ~evaluation.edge
    radius = np.broadcast_to(np.asarray(radius * OUTWARD), evaluation.top.shape)
    rounded = Ball(value, radius, ball.centre, ball.nonnegative)
    return Bound(rounded, out_of_range, evaluation.edge.copy(), evaluation.domain.copy())


def _any_form(ball: Ball, forms: Sequence[Ball]) -> Ball:
    """Return ``ball`` with a radius that covers each of its forms; their values may differ by a rounding."""
    radius = ball.error
    for form in forms:
        radius = np.maximum(radius, form.error + np.abs(form.value - ball.value))
    return Ball(ball.value, np.asarray(radius), ball.centre, ball.nonnegative)
