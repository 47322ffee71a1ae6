"""What a step must leave as it was: a parameter's identity, shape and dtype, its neighbours in memory, its gradient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch

from stepcheck_implementations.driver.error_text import Malformed
from stepcheck_implementations.driver.inputs import layout
from stepcheck_implementations.driver.observing import bound_operations as bound
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.portable import GUARD
from stepcheck_implementations.driver.subject import Subject
from stepcheck_reference.scripts.trajectory import GRADIENT_CHANGES

PARAMETER = torch.nn.Parameter
"""The class of parameters, whatever a subject puts in its place."""


def check_parameters(subject: Subject, before: Callable[[int], torch.Tensor]) -> None:
    """Raise Malformed unless every parameter is the tensor that was passed, but for its values.

    ``before`` returns the values of a tensor before the step, flat.
    """
    device = subject.cell.device
    for index, (parameter, tensor) in enumerate(zip(subject.parameters, subject.script.tensors, strict=True)):
        if type(parameter) is not PARAMETER:
            raise Malformed(f"tensor {index} is a {type(parameter).__name__}, but should be the Parameter it was")
        if parameter.requires_grad is not subject.trains[index]:
            raise Malformed(
                f"tensor {index} has requires_grad={parameter.requires_grad}, but should have {subject.trains[index]}"
            )
        if parameter.shape != tensor.shape:
            raise Malformed(f"shape of tensor {index}={tuple(parameter.shape)}, but should be {tensor.shape}")
        if parameter.dtype != layout.DTYPES[tensor.dtype]:
            raise Malformed(f"dtype of tensor {index}={parameter.dtype}, but should be torch.{tensor.dtype}")
        if parameter.layout != torch.strided or parameter.device.type != device.partition(":")[0]:
            raise Malformed(
                f"tensor {index} is {parameter.layout} on {parameter.device}, but should be torch.strided on {device}"
            )
    if subject.adapter.takes == "groups":
        _check_groups(subject)
    else:
        _check_attributes(subject, before)


def _check_groups(subject: Subject) -> None:
    """Check that ``param_groups`` still has every parameter."""
    for number, group in enumerate(subject.script.groups[: subject.groups_now]):
        for position, index in enumerate(group.tensors):
            if subject.script.tensors[index].frozen:  # there is nothing to update, so that it may be left out
                continue
            try:
                current = subject.objects[0].param_groups[number]["params"][position]
            except (AttributeError, LookupError, TypeError):
                current = None
            if current is not subject.parameters[index]:
                raise Malformed(f"param_groups[{number}]['params'][{position}] is no longer the parameter it was given")


def _check_attributes(subject: Subject, before: Callable[[int], torch.Tensor]) -> None:
    """Check that no object has assigned a new tensor to a parameter's attribute, instead of updating the parameter."""
    for index, names in enumerate(subject.parameter_attributes):
        optimizer, location = subject.owner(index)
        for name in names:
            if state_access.is_replaced(optimizer, name, location) and bound.equal(
                before(index), bound.reshape(bound.detach(location.parameter), -1)
            ):
                raise Malformed(
                    f"its attribute {name} is another tensor now, and the parameter it was given was not updated; "
                    "update it in place, as in p.sub_(...) or p.copy_(...)"
                )


def check_surroundings(memories: Sequence[layout.Surroundings | None], what: str) -> None:
    """Raise Malformed where memory around the elements of a tensor was written; ``what`` says what the tensors are.

    That is the memory which the tensor was given: one whose data the subject has replaced may have any other.
    """
    for index, given in enumerate(memories):
        if given is None:
            continue
        if given.memory.untyped_storage().nbytes() < given.size:
            raise Malformed(f"the memory that {given.layout} {what} {index} was given has been freed")
        if not bool(bound.all_of(bound.eq(given.memory, GUARD))):
            where = "between the elements" if given.layout == "sliced" else "around the buffer"
            raise Malformed(f"memory {where} of {given.layout} {what} {index} was written")


def gradient_changes(
    copies: Sequence[torch.Tensor | None],
    passed: Sequence[torch.Tensor | None],
    current: Sequence[torch.Tensor | None],
    known: Collection[int],
) -> dict[int, str]:
    """Return what a step has done to gradients, one of ``GRADIENT_CHANGES`` for each tensor not in ``known``.

    ``copies`` are the gradients before the step, ``passed`` the tensors that they were passed in, ``current`` those
    that the parameters have now.
    """
    changes: dict[int, str] = {}
    for index, (row, gradient, now) in enumerate(zip(copies, passed, current, strict=True)):
        if row is None or gradient is None or index in known:
            continue
        if now is None or now is not gradient:
            changes[index] = GRADIENT_CHANGES[now is not None]
        elif not same_values(bound.cpu(bound.detach(gradient)), row):
            written = bool(bound.any_of(bound.ne(_dense(gradient), 0)))
            changes[index] = GRADIENT_CHANGES[3 if written else 2]
    return changes


def same_values(now: torch.Tensor, row: torch.Tensor) -> bool:
    """Return whether two tensors have one shape, one dtype and the same values; nan is the same as nan."""
    now = _dense(now)
    if now.shape != row.shape or now.dtype != row.dtype:
        return False
    if bound.equal(now, row):
        return True
    nan = bound.logical_and(bound.isnan(now), bound.isnan(row))
    return bool(bound.all_of(bound.logical_or(bound.eq(now, row), nan)))


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    return gradient if gradient.layout == torch.strided else bound.to_dense(gradient)
