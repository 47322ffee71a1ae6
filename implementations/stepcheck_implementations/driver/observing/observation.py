"""What a subject did, step after step: parameters, states and counters, collected into traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER
from stepcheck_implementations.driver.error_text import Malformed, one_line
from stepcheck_implementations.driver.observing import bound_operations as bound
from stepcheck_implementations.driver.observing import compensated, state_access
from stepcheck_implementations.driver.observing.trace_buffer import TraceBuffer, parameter_rows, state_rows
from stepcheck_implementations.driver.subject import Subject
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.scripts.trajectory import Trace


class Observer:
    """Collects what ``subject`` holds before the first step and after each."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.buffer = TraceBuffer()
        self.changed: dict[int, TraceBuffer] = {}
        """The parameters just before the steps, by number, that something else than the step before has changed."""
        self.counts: list[list[float]] = [[] for _ in subject.parameters]

    def observe(self) -> None:
        """Add a row: what parameters and states are now."""
        subject = self.subject
        adapter, sparse = subject.adapter, "sparse" in subject.script.invocation
        paths = list(adapter.states.values())
        if adapter.count is not None:
            paths.append(adapter.count)
        row: list[torch.Tensor | None] = []
        for index, parameter in enumerate(subject.parameters):
            optimizer, location = subject.owner(index)
            values = state_access.read_all(optimizer, paths, location)
            count = None if adapter.count is None else values.pop()
            if count is None and adapter.count is not None and adapter.takes == "groups":
                has_group = location.group < subject.groups_now
                count = subject.objects[0].param_groups[location.group].get(adapter.count) if has_group else None
            self.counts[index].append(
                -1.0 if count is None else _number(count, f"count of tensor {index}") - adapter.count_offset
            )
            for path, value in zip(paths, values, strict=False):
                if sparse and isinstance(value, torch.Tensor) and value.is_sparse:
                    value = bound.to_dense(value)
                row.append(_state(value, path, index, parameter))
        self.buffer.write([*subject.parameters, *row])

    def observe_before(self, number: int) -> None:
        """Note the parameters before step ``number``, which something else than the step before has changed."""
        self.changed[number] = TraceBuffer()
        self.changed[number].write(self.subject.parameters)

    def before(self, number: int, index: int) -> torch.Tensor:
        """Return the values of tensor ``index`` before step ``number``, which is being taken, flat."""
        return self.changed.get(number, self.buffer).last(index)

    def traces(self, finished: int) -> tuple[Trace, ...]:
        """Return the trace of every tensor over the first ``finished`` steps."""
        return tuple(self._trace(index, finished) for index in range(len(self.subject.parameters)))

    def _trace(self, index: int, finished: int) -> Trace:
        subject = self.subject
        tensor, names = subject.script.tensors[index], list(subject.adapter.states)
        states: dict[str, NDArray[Any]] = {}
        present: dict[str, NDArray[np.bool_]] = {}
        wider: dict[str, str] = {}
        for column, name in enumerate(names, len(subject.parameters) + index * len(names)):
            blocks = list(self.buffer.blocks(column, finished + 1))
            exists = [block.values is not None for block in blocks]
            present[name] = (
                bound.repeat(exists, [block.rows for block in blocks]) if blocks else bound.zeros(1, np.bool_)
            )
            states[name] = state_rows(blocks, tensor)
            dtypes = {block.dtype for block in blocks if block.values is not None}
            if len(dtypes) == 1 and _is_wider(dtype := dtypes.pop(), tensor.dtype):
                wider[name] = dtype
        theta = parameter_rows(list(self.buffer.blocks(index, finished + 1)), tensor)
        beyond = None
        if COMPENSATION in states or MASTER in states:
            beyond = compensated.rest(theta, states, present)
            gradients = [step.gradients[index] is not None for step in subject.script.steps[: len(theta) - 1]]
            theta = compensated.whole(theta, beyond, tensor.dtype, bound.array([False, *gradients]))
        before = theta[:-1]
        changed = [number for number in self.changed if number <= finished]
        if MASTER in present:  # a wider copy does not see what happens to its parameter
            changed = [number for number in changed if not present[MASTER][number - 1]]
        if changed:
            before = before.copy()
            for number in changed:
                row = parameter_rows(list(self.changed[number].blocks(index, 1)), tensor)[0]
                before[number - 1] = row if beyond is None else row + beyond[number - 1]
        return Trace(
            before=before,
            theta=theta[1:],
            states=states,
            present=present,
            count=bound.array(self.counts[index][: finished + 1] or [-1.0], dtype=np.float64),
            wider=wider,
        )


def _is_wider(dtype: str, of_tensor: str) -> bool:
    """Whether a state of ``dtype`` has more bits than a tensor; both are real, or both complex."""
    comparable = dtype in FORMATS and is_complex(dtype) is is_complex(of_tensor)
    return comparable and FORMATS[dtype].precision > FORMATS[of_tensor].precision


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise Malformed(f"{name} is a {type(value).__name__}, which is no number ({one_line(error)})") from error


def _state(value: Any, path: str, index: int, parameter: torch.Tensor) -> torch.Tensor | None:
    """Return the state at ``path`` of tensor ``index`` as a tensor; a number as a 0-d float64 tensor."""
    if value is None:
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        value = bound.tensor(_copied(value, path, index))
    if not isinstance(value, torch.Tensor):
        return bound.tensor(_number(value, f"state {path!r} of tensor {index}"), dtype=torch.float64)
    if bound.numel(value) not in (1, bound.numel(parameter)):
        raise Malformed(
            f"state {path!r} of tensor {index} has shape {tuple(value.shape)}, "
            f"but should have {tuple(parameter.shape)} or one element"
        )
    if value.layout != torch.strided or value.is_quantized or value.device.type == "meta":
        raise Malformed(f"state {path!r} of tensor {index} is {value.layout} on {value.device}, and cannot be read")
    return value


def _copied(array: NDArray[Any] | np.generic, path: str, index: int) -> NDArray[Any]:
    """Return a copy of a state that is an array or one of its elements, in a format that torch has."""
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
        raise Malformed(f"state {path!r} of tensor {index} is an array of {array.dtype}, and cannot be read")
    return np.array(array, subok=False)
