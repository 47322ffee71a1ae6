"""Accuracy: how far a step that is right in formula and operations lies from every order of its rule's operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepcheck.certification.formula.accuracy_record import Accuracy
from stepcheck_reference.oracle.own_order.losses import loss

if TYPE_CHECKING:
    from stepcheck.certification.cells.undeclared_examination import Undeclaredly

RIGHT = "right in their own order"
BEYOND = "further from the formula than their own order rounds"


def operations_and_accuracy(found: Undeclaredly | None) -> tuple[str, Accuracy | None]:
    """Return what is to be said of the operations of a cell that left its rule's envelope, and of its accuracy."""
    from stepcheck.certification.certificate import number

    own = None if found is None else found.own
    if found is None or own is None or own.differs:
        return "", None
    if own.order is None:
        return own.why if own.narrow else f"not read: {own.why}", None
    if any(failure.breach.deviation is not None for failure in found.examination.failures):
        return BEYOND, None
    beyond = [deviation for deviation in found.plain.worst.values() if deviation.ratio > 1]
    if not beyond:
        return RIGHT, None
    worst = max(beyond, key=lambda deviation: deviation.ratio)
    return RIGHT, Accuracy(
        ratio=number(worst.ratio),
        output=worst.output,
        loses=loss(own.order, worst.output, worst.inputs),
        step=worst.step,
        inputs={name: number(value) for name, value in worst.inputs.items()},
    )
