"""Envelope: the bound of every output of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import Format
from stepcheck_reference.oracle.envelope.ball import OUTWARD, Ball, Bound
from stepcheck_reference.oracle.envelope.branches import absolute_ball, extremum_ball, select_ball, sign_ball
from stepcheck_reference.oracle.envelope.evaluation import Evaluation
from stepcheck_reference.oracle.envelope.products import product_ball
from stepcheck_reference.oracle.envelope.program import Program
from stepcheck_reference.oracle.envelope.roots import root_ball
from stepcheck_reference.oracle.envelope.scalar_parts import Prepared
from stepcheck_reference.oracle.envelope.sums import lerp_ball, round_ball, sum_ball

OPERATIONS: Mapping[str, Callable[[Evaluation, int], Ball]] = {
    "sum": sum_ball,
    "product": product_ball,
    "root": root_ball,
    "maximum": extremum_ball,
    "minimum": extremum_ball,
    "absolute": absolute_ball,
    "sign": sign_ball,
    "select": select_ball,
    "lerp": lerp_ball,
    "round": round_ball,
}
"""How each kind of elementwise node is bounded."""


def evaluate(
    prepared: Prepared,
    inputs: Mapping[str, Ball],
    rows: NDArray[np.int64],
    lengths: Sequence[int],
    wider: Mapping[str, Format] | None = None,
) -> dict[str, Bound]:
    """Return the envelope of every output for flat ``inputs`` (name to shape (n,)).

    ``lengths`` says how many consecutive elements each of ``rows`` covers; they add up to n. States come
    first and theta last, so that a state is compared where only theta is out of reach. ``wider`` has the format of each
    state that is stored in more bits than the tensor: see ``carried_nodes``.
    """
    outputs = prepared.program.outputs
    evaluation = Evaluation(prepared, inputs, rows, lengths, OPERATIONS)
    with np.errstate(all="ignore"):
        names = sorted(outputs, key=lambda n: n == "theta")
        bounds = {name: _output(evaluation, name) for name in names}
        if prepared.arithmetic.order is not None:
            read = Evaluation(prepared, inputs, rows, lengths, OPERATIONS)
            bounds = {name: _in_own_order(bounds[name], read, name) for name in names}
        for name, form in (wider or {}).items():
            if nodes := carried_nodes(prepared.program, name):
                own = Evaluation(prepared, inputs, rows, lengths, OPERATIONS, dict.fromkeys(nodes, form))
                bounds[name] = replace(bounds[name], ball=_output(own, name, form).ball)
    return bounds


def carried_nodes(program: Program, state: str) -> frozenset[int]:
    """Return the nodes of a state's new value that round to the state's own format, where it is the wider one.

    An operation on a wide tensor and a narrow one rounds to the wide format, in every framework. So do the product of
    the old state with scalars, and the sum or maximum that it enters and that is stored; everything else may be
    computed in the tensor's format first. Nothing is returned of a state that does not carry its old value so.
    """
    nodes = program.nodes
    old = next((i for i, node in enumerate(nodes) if node.kind == "symbol" and node.name == state), None)
    if program.forms.get(state):
        return frozenset()
    carried: set[int] = set()
    for top in _stored(program, program.outputs[state]):
        scaled = {index for index in nodes[top].arguments if index == old or _scales(program, index, old)}
        carried |= {top, *scaled} if scaled else set()
    return frozenset(carried)


def _stored(program: Program, index: int) -> Iterator[int]:
    """Yield the sums and maxima that a new value is, one for each of its branches; a branch rounds nothing."""
    node = program.nodes[index]
    if node.kind == "select":
        for _, value in node.branches:
            yield from _stored(program, value)
    elif node.kind in ("sum", "maximum"):
        yield index


def _scales(program: Program, index: int, old: int | None) -> bool:
    """Whether a node is the product of the old state ``old`` and scalars."""
    node = program.nodes[index]
    elementwise = [argument for argument in node.arguments if not program.nodes[argument].scalar]
    return node.kind == "product" and elementwise == [old] and node.exponents[node.arguments.index(old)] == 1


def _output(evaluation: Evaluation, name: str, wider: Format | None = None) -> Bound:
    program, arithmetic = evaluation.prepared.program, evaluation.arithmetic
    forms, form = program.forms.get(name, ()), arithmetic.form
    if arithmetic.order is not None and program is arithmetic.order.program and name in arithmetic.order.nodes_of:
        forms = forms[:-1]  # the last is the subject's own
    if form is not None and form <= len(forms):
        ball = evaluation.ball(forms[form - 1])
    else:
        ball = evaluation.ball(program.outputs[name])
        if arithmetic.forms and form is None and forms:
            ball = _any_form(ball, [evaluation.ball(index) for index in forms])
    out_of_range = ~(evaluation.top <= arithmetic.operations.largest)
    value, radius = np.broadcast_to(ball.value, evaluation.top.shape), ball.error
    storage = arithmetic.storage if name == "theta" else wider or arithmetic.states or arithmetic.storage
    if storage is not (wider or arithmetic.operations):
        radius = radius + storage.unit_roundoff * (np.abs(value) + radius) + storage.smallest_subnormal / 2
        out_of_range |= ~(np.abs(value) + radius <= storage.largest)
    # A radius may be infinite only where a divisor's ball contains 0; everything else infinite is a range matter.
    out_of_range = out_of_range & ~evaluation.edge
    radius = np.broadcast_to(np.asarray(radius * OUTWARD), evaluation.top.shape)
    rounded = Ball(value, radius, ball.centre, ball.nonnegative)
    return Bound(rounded, out_of_range, evaluation.edge.copy(), evaluation.domain.copy())


def _in_own_order(bound: Bound, read: Evaluation, name: str) -> Bound:
    """Return ``bound`` with a radius that covers the subject's own order of operations, where that is the rule's value.

    Where the two differ by more than both radii, what was read is another function than the rule, as one of another
    path is: then it widens nothing, and leaves nothing out of the comparison. Where a divisor of the code may be 0 by
    rounding, nothing can be claimed, but only if without rounding it is near what the rule says.
    """
    order = read.arithmetic.order
    if order is None or read.prepared.program is not order.program or name not in order.nodes_of:
        return bound
    form = read.ball(read.prepared.program.forms[name][-1])
    ball, storage = bound.ball, read.arithmetic.storage
    error = form.error
    if storage is not read.arithmetic.operations:
        error = error + storage.unit_roundoff * (np.abs(form.value) + error) + storage.smallest_subnormal / 2
    apart = np.abs(form.value - ball.value)
    reach = np.where(read.edge, np.abs(ball.value), ball.error + error)
    same = apart <= reach
    radius = np.where(same, np.maximum(ball.error, (error + apart) * OUTWARD), ball.error)
    return replace(
        bound,
        ball=replace(ball, radius=np.asarray(radius)),
        out_of_range=bound.out_of_range | (same & ~(read.top <= read.arithmetic.operations.largest) & ~read.edge),
        edge=bound.edge | (same & read.edge),
        domain=bound.domain | (same & read.domain),
    )


def _any_form(ball: Ball, forms: Sequence[Ball]) -> Ball:
    """Return ``ball`` with a radius that covers each of its forms; their values may differ by a rounding."""
    radius = ball.error
    for form in forms:
        radius = np.maximum(radius, form.error + np.abs(form.value - ball.value))
    return Ball(ball.value, np.asarray(radius), ball.centre, ball.nonnegative)
