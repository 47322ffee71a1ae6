"""Script in, Trajectory out: the code that drives a subject and writes down what it did.

Runs wherever the subject runs: in a worker process (``template.py``), or in the user's own for objects
handed over in Python. Needs torch, numpy, and the plain-data part of ``stepcheck_reference``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.driver import layout, state_access
from stepcheck_implementations.driver.arguments import arguments
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.driver.invocation import (
    TENSOR_RATES,
    entries,
    loss_of,
    tensor_rates,
    through_a_pickle,
)
from stepcheck_implementations.driver.portable import (
    GUARD,
    ScriptedLR,
    between_elements,
    skip_step,
    through_file,
    uncoalesced,
)
from stepcheck_implementations.driver.state_access import TensorLocation
from stepcheck_implementations.driver.target import load
from stepcheck_implementations.driver.tensor_cache import prepared
from stepcheck_implementations.driver.trace_buffer import TraceBuffer, rows_of, state_rows
from stepcheck_reference.scripts.script import LOSS, SPOILED, Script, Step
from stepcheck_reference.scripts.trajectory import Fault, Trace, Trajectory


def run(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    *,
    subject: Callable[..., Any] | None = None,
    reached: Callable[[int], None] | None = None,
) -> Trajectory:
    """Return what the cell's subject does over ``script``.

    ``subject`` is the class itself where it was handed over in Python; otherwise ``adapter.target`` is
    imported, which raises TargetError. ``reached`` is told each step's number just before it is taken.
    What the subject raises or breaks becomes the trajectory's fault; ValueError means that the script and
    the adapter do not fit.
    """
    with torch_settings(script):
        return ScriptExecution(adapter, cell, script, subject_factory(adapter, subject), reached).trajectory()


def subject_factory(adapter: Adapter, subject: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return what builds the adapter's subjects; raises TargetError, and ValueError where it can build nothing."""
    build = subject if subject is not None else load(adapter.target)
    if adapter.wrapper:
        wrap: Any = load(adapter.wrapper)
        build = wrap(build, adapter)
    if not callable(build):
        raise ValueError(f"{adapter.target}={build!r}, but should be a class or function")
    return build


@contextmanager
def torch_settings(script: Script) -> Iterator[None]:
    """Set what is global in torch as ``script`` needs it, and as it was at the end."""
    with _one_thread(), _default_dtype(script), torch.random.fork_rng(devices=[]):
        yield


def initialize_device(device: str) -> None:
    """Start ``device``, which can take seconds where nothing has used it yet."""
    torch.zeros(1, device=device)


@contextmanager
def _default_dtype(script: Script) -> Iterator[None]:
    before = torch.get_default_dtype()
    if "float64_default" in script.invocation:
        torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if threads != 1:
            torch.set_num_threads(threads)


class _Malformed(Exception):
    """The subject left something that cannot be read as a step."""


class _Raised(Exception):
    """The subject raised; ``message`` is its error in one line."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.message = one_line(error)


def _ask(call: Callable[[], Any]) -> Any:
    """Return what the subject's ``call`` returns; whatever it raises becomes ``_Raised``."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise _Raised(error) from error


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise _Malformed(f"{what} is a {type(value).__name__}, which is no number ({one_line(error)})") from error


def _state(value: Any, path: str, index: int, parameter: torch.Tensor) -> torch.Tensor | None:
    """Return what is held at ``path`` for tensor ``index``; a number as a 0-d float64 tensor."""
    if value is None:
        return None
    if not isinstance(value, torch.Tensor):
        return torch.tensor(_number(value, f"state {path!r} of tensor {index}"), dtype=torch.float64)
    if value.numel() not in (1, parameter.numel()):
        raise _Malformed(
            f"state {path!r} of tensor {index} has shape {tuple(value.shape)}, "
            f"but should have {tuple(parameter.shape)} or one element"
        )
    if value.layout != torch.strided or value.is_quantized or value.device.type == "meta":
        raise _Malformed(f"state {path!r} of tensor {index} is {value.layout} on {value.device}, and cannot be read")
    return value


def _lead(state: Any, options: Mapping[str, Any]) -> None:
    """Change what a state dict says of modes to ``options``."""
    for group in state.get("param_groups", ()) if isinstance(state, dict) else ():
        group.update({name: value for name, value in options.items() if name in group})


class ScriptExecution:
    """One script on one subject.

    ``start`` is a state dict that the subject is given before its first step, as a run that goes on.
    """

    def __init__(
        self,
        adapter: Adapter,
        cell: Cell,
        script: Script,
        build: Callable[..., Any],
        reached: Callable[[int], None] | None = None,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        configuration = adapter.configuration(cell.configuration)
        self.start = start
        self.adapter, self.cell, self.script, self.build, self.reached = adapter, cell, script, build, reached
        fixed = dict(cell.fixed)
        known: dict[str, Any] = {name: value for name, value in fixed.items() if name in adapter.hyper}
        self.options = self._options(cell.mode)
        fixed_hyper = configuration.fixed_hyper
        self.hyper = []
        for group in script.groups:
            wanted = {**fixed_hyper, **known, **group.hyper}
            inside = [name for name in fixed_hyper if name not in adapter.hyper and wanted[name] == fixed_hyper[name]]
            given = {name: value for name, value in wanted.items() if name not in inside}
            self.hyper.append(arguments(adapter.hyper, given, build, adapter.target))
        trains = cell.mode != "differentiable"
        numbers = prepared(script)
        with torch.no_grad():
            self.parameters = [
                torch.nn.Parameter(layout.place(initial, tensor.layout, cell.device), requires_grad=trains)
                for initial, tensor in zip(numbers.initial, script.tensors, strict=True)
            ]
        self.gradients = [iter(rows) for rows in numbers.gradients]
        self.group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
        self.wheres = [self._where(index) for index in range(len(self.parameters))]
        self.objects: list[Any] = []
        self.buffer = TraceBuffer()
        self.touched: dict[int, TraceBuffer] = {}
        self.counts: list[list[float]] = [[] for _ in script.tensors]
        self.buffers: dict[int, torch.Tensor] = {}
        self.calls: list[int] = []
        self.returned: list[float] = []
        self.losses: list[float] = []
        self.scheduler: ScriptedLR | None = None
        self.guarded = True
        self.modified: set[int] = set()

    def _options(self, mode: str) -> dict[str, Any]:
        """Return the constructor arguments of ``mode`` that are no hyper-parameters."""
        adapter, configuration = self.adapter, self.adapter.configuration(self.cell.configuration)
        if mode not in adapter.modes:
            raise ValueError(f"mode={mode!r}, but {adapter.target} has {', '.join(adapter.modes)}")
        known = {**adapter.hyper, **configuration.fixed_hyper}
        more = {name: value for name, value in dict(self.cell.fixed).items() if name not in known}
        return {**configuration.options, **adapter.modes[mode], **more}

    def trajectory(self) -> Trajectory:
        """Take every step, and return what came of it; to be called once."""
        if wraps_compile(self.adapter, self.cell.mode):
            torch._dynamo.reset()
        finished, fault = 0, None
        number = 0
        try:
            self._construct()
            if self.start is not None:
                _ask(partial(self.objects[0].load_state_dict, self.start))
            self._observe()
            for number in range(1, len(self.script.steps) + 1):
                self._one(number)
                finished = number
            self._look_around()
        except _Malformed as error:
            fault = Fault("malformed", str(error), number)
        except _Raised as error:
            fault = Fault("raised", error.message, number)
        return Trajectory(
            traces=tuple(self._trace(index, finished) for index in range(len(self.parameters))),
            steps=finished,
            fault=fault,
            observed=tuple(self.adapter.states),
            modified_gradients=tuple(sorted(self.modified)),
            calls=tuple(self.calls),
            returned=tuple(self.returned),
            losses=tuple(self.losses),
            entries=tuple(tuple(entries(*self.whose(index))) for index in range(len(self.parameters)))
            if self.objects
            else (),
        )

    def _construct(self) -> None:
        groups = self.script.groups
        if self.adapter.takes == "groups":
            tables = [
                {"params": [self.parameters[index] for index in group.tensors], **hyper}
                for group, hyper in zip(groups, self.hyper, strict=True)
            ]
            made = [self._made(tables, self.hyper[0] if self.hyper else {})]
        elif self.adapter.takes == "list":
            made = [
                self._made([self.parameters[index] for index in group.tensors], hyper)
                for group, hyper in zip(groups, self.hyper, strict=True)
            ]
        else:
            made = [
                self._made(parameter, self.hyper[self.group_of[index]])
                for index, parameter in enumerate(self.parameters)
            ]
        self._took(made)

    def _took(self, made: list[Any]) -> None:
        """Look at the objects that were made, and drive them from now on."""
        self.objects = made
        self.kept = [
            () if self.adapter.takes == "groups" else tuple(state_access.kept(*self.whose(index)))
            for index in range(len(self.parameters))
        ]
        self.steppers: list[Callable[..., Any]] = []
        compiles = wraps_compile(self.adapter, self.cell.mode)
        for thing in made:
            stepper = getattr(thing, "step", None)
            if not callable(stepper):
                raise _Malformed(f"{self.adapter.target}: made a {type(thing).__name__}, which has no step()")
            self.steppers.append(torch.compile(stepper) if compiles else stepper)
        if "scheduler" in self.script.invocation and self.adapter.takes == "groups":
            self.scheduler = _ask(lambda: ScriptedLR(made[0]))

    def _made(self, given: object, hyper: Mapping[str, Any]) -> Any:
        for kind in TENSOR_RATES:
            if kind in self.script.invocation and self.adapter.hyper.get("lr") in hyper:
                given, hyper = tensor_rates(kind, self.adapter.hyper["lr"], given, hyper, self.cell.device)
        return _ask(lambda: self.build(given, **{**hyper, **self.options}))

    def _one(self, number: int) -> None:
        step = self.script.steps[number - 1]
        if self.reached is not None:
            self.reached(number)
        if step.reload:
            self._interrupt(str(step.reload), step.into)
        for group, name, value in step.hyper:
            if self.scheduler is None or name != "lr":
                self._set(group, name, value)
        rates = {group: value for group, name, value in step.hyper if name == "lr"}
        if self.scheduler is not None and rates:
            self.scheduler.set_rates(rates)
        with torch.no_grad():
            for index, data in step.overwrite:
                self.parameters[index].copy_(layout.values(data, self.script.tensors[index]))
            if step.overwrite or step.reload or self.script.box is not None:
                self.touched[number] = TraceBuffer()
                self.touched[number].write(self.parameters)
            plain, given = self._gradients(step)
            objective = self.script.objective
            needs_objective = (objective is not None and objective.by_closure) or "closure" in self.script.invocation
            handed = [self._sparse(row) for row in given] if "sparse" in self.script.invocation else given
            for parameter, gradient in zip(self.parameters, handed, strict=True):
                parameter.grad = None if needs_objective else gradient
        closure = (self._closure(given, number),) if needs_objective else ()
        if step.skip:
            for thing, stepper in zip(self.objects, self.steppers, strict=True):
                skip_step(thing, partial(_ask, stepper), self.cell.device)
        else:
            for index, stepper in enumerate(self.steppers):
                if self.adapter.takes != "tensor" or closure or step.gradients[index] is not None:
                    answer = _ask(partial(stepper, *closure))
                    if closure:
                        self.returned[-1] = loss_of(answer)
        self._unchanged(number)
        self._look_at_gradients(plain, given)
        if "spoiled_gradient" in self.script.invocation:
            with torch.no_grad():
                for row in given:
                    if row is not None:
                        row.fill_(SPOILED)
        self._observe()
        if self.script.box is not None:
            for parameter in self.parameters:
                held = parameter.detach()
                (torch.view_as_real(held) if held.is_complex() else held).clamp_(*self.script.box)

    def _gradients(self, step: Step) -> tuple[list[torch.Tensor | None], list[torch.Tensor | None]]:
        """Return the gradients of ``step`` for nobody to write to, and as they are given; of an objective its lowest.

        An objective that is not asked gives its gradient where the parameter stands.
        """
        plain = [
            None if data is None else next(rows) for data, rows in zip(step.gradients, self.gradients, strict=True)
        ]
        given = [
            None if row is None else layout.place_gradient(row, tensor.layout, self.cell.device)
            for row, tensor in zip(plain, self.script.tensors, strict=True)
        ]
        if "reused_gradient" in self.script.invocation:
            given = [self._reused(index, row) for index, row in enumerate(given)]
        objective = self.script.objective
        if objective is not None and not objective.by_closure:
            given = [
                None if low is None else (parameter - low) * objective.curvature
                for parameter, low in zip(self.parameters, given, strict=True)
            ]
            plain = [None if row is None else row.cpu().clone() for row in given]
        return plain, given

    def _reused(self, index: int, row: torch.Tensor | None) -> torch.Tensor | None:
        """Return the one buffer of tensor ``index``, holding ``row``."""
        if row is None:
            return None
        return self.buffers.setdefault(index, torch.empty_like(row)).copy_(row)

    def _sparse(self, row: torch.Tensor | None) -> torch.Tensor | None:
        return row if row is None or row.dim() == 0 else uncoalesced(row)

    def _closure(self, low: Sequence[torch.Tensor | None], number: int) -> Callable[[], torch.Tensor]:
        """Return what sets every gradient to the script's, and returns a loss.

        With an objective it is the objective's gradient, where the parameter stands.
        """
        self.calls.append(0)
        self.losses.append(math.nan)
        self.returned.append(math.nan)
        objective = self.script.objective

        def closure() -> torch.Tensor:
            self.calls[-1] += 1
            if "closure" in self.script.invocation and not torch.is_grad_enabled():
                raise RuntimeError("the closure was called with gradients disabled, so that it cannot call backward()")
            loss = torch.zeros(())
            if objective is None:
                for parameter, row in zip(self.parameters, low, strict=True):
                    parameter.grad = row
                self.losses[-1] = LOSS * number
                return loss + LOSS * number
            with torch.no_grad():
                for parameter, lowest in zip(self.parameters, low, strict=True):
                    if lowest is None:
                        parameter.grad = None
                        continue
                    away = parameter - lowest
                    parameter.grad = away * objective.curvature
                    loss += 0.5 * objective.curvature * away.abs().square().sum().cpu().float()
            self.losses[-1] = float(loss)
            return loss

        return closure

    def _look_at_gradients(self, plain: Sequence[torch.Tensor | None], given: Sequence[torch.Tensor | None]) -> None:
        """Note the tensors whose gradient does not hold what it was given with; ``plain`` is never handed out."""
        for index, (row, gradient) in enumerate(zip(plain, given, strict=True)):
            if row is None or gradient is None or index in self.modified:
                continue
            now = gradient.detach().cpu()
            same = now.shape == row.shape and now.dtype == row.dtype
            if not same or not (torch.equal(now, row) or bool(((now == row) | (now.isnan() & row.isnan())).all())):
                self.modified.add(index)

    def _interrupt(self, how: str, into: str) -> None:
        """Interrupt the run as ``RELOADS`` says; objects without a state dict are not asked for one."""
        if how in ("copied", "pickled"):
            classes = (self.build, *dict.fromkeys(type(thing) for thing in self.objects))
            self._carry_over(copy.deepcopy if how == "copied" else lambda both: through_a_pickle(both, classes))
            return
        if not all(hasattr(thing, "state_dict") for thing in self.objects):
            return
        saved = [copy.deepcopy(_ask(thing.state_dict)) for thing in self.objects]
        if how == "saved":
            saved = [_ask(partial(through_file, state)) for state in saved]
        if into:
            self.options = self._options(into)
            for state in saved:
                _lead(state, self.adapter.modes[into])
        self._construct()
        for thing, state in zip(self.objects, saved, strict=True):
            _ask(partial(thing.load_state_dict, state))

    def _carry_over(self, carry: Callable[[Any], Any]) -> None:
        """Go on with what ``carry`` makes of parameters and objects together."""
        self.parameters, self.objects = _ask(lambda: carry((self.parameters, self.objects)))
        self.guarded = False  # a copy of a parameter takes along no memory between its elements
        self.wheres = [self._where(index) for index in range(len(self.parameters))]
        self._took(self.objects)

    def _set(self, group: int, name: str, value: float) -> None:
        adapter = self.adapter
        path = adapter.hyper[name] if adapter.settings is None else adapter.settings.get(name)
        if path is None:
            raise _Malformed(f"{name}={value!r}, but it cannot be changed after construction")
        places = self.script.groups[group].tensors
        for index in places if adapter.takes == "tensor" else places[:1]:
            thing, where = self.whose(index)
            wrong = state_access.write(thing, path, value, where)
            if wrong is not None:
                raise _Malformed(f"{name}: {wrong}")

    def whose(self, index: int) -> tuple[Any, TensorLocation]:
        """Return the object that has tensor ``index``, and where the tensor is in it."""
        where = self.wheres[index]
        number = {"groups": 0, "list": self.group_of[index], "tensor": index}[self.adapter.takes]
        return self.objects[number], where

    def _where(self, index: int) -> TensorLocation:
        group = self.group_of[index]
        place = self.script.groups[group].tensors.index(index)
        if self.adapter.takes == "groups":
            before = sum(len(earlier.tensors) for earlier in self.script.groups[:group])
            return TensorLocation(self.parameters[index], before + place, group)
        return TensorLocation(self.parameters[index], place if self.adapter.takes == "list" else 0)

    def _unchanged(self, number: int) -> None:
        """Check that every parameter is what it was given as, but for its values."""
        for index, (parameter, tensor) in enumerate(zip(self.parameters, self.script.tensors, strict=True)):
            if parameter.shape != tensor.shape:
                raise _Malformed(f"shape of tensor {index}={tuple(parameter.shape)}, but should be {tensor.shape}")
            if parameter.dtype != layout.DTYPES[tensor.dtype]:
                raise _Malformed(f"dtype of tensor {index}={parameter.dtype}, but should be torch.{tensor.dtype}")
            if parameter.layout != torch.strided or parameter.device.type != self.cell.device.partition(":")[0]:
                raise _Malformed(
                    f"tensor {index} is {parameter.layout} on {parameter.device}, but should be torch.strided on "
                    f"{self.cell.device}"
                )
        if self.adapter.takes != "groups":
            self._still_held(number)
            return
        for number, group in enumerate(self.script.groups):
            for place, index in enumerate(group.tensors):
                try:
                    there = self.objects[0].param_groups[number]["params"][place]
                except (AttributeError, LookupError, TypeError):
                    there = None
                if there is not self.parameters[index]:
                    raise _Malformed(
                        f"param_groups[{number}]['params'][{place}] is no longer the parameter it was given"
                    )

    def _still_held(self, number: int) -> None:
        """Check that no object has put another tensor where it held a parameter, instead of updating that one."""
        before = self.touched.get(number, self.buffer)
        for index, names in enumerate(self.kept):
            thing, where = self.whose(index)
            for name in names:
                if state_access.replaced(thing, name, where) and torch.equal(
                    before.last(index), where.parameter.detach().reshape(-1)
                ):
                    raise _Malformed(
                        f"its attribute {name} is another tensor now, and the parameter it was given was not updated; "
                        "update it in place, as in p.sub_(...) or p.copy_(...)"
                    )

    def _look_around(self) -> None:
        if not self.guarded:
            return
        for index, (parameter, tensor) in enumerate(zip(self.parameters, self.script.tensors, strict=True)):
            if tensor.layout == "sliced" and not bool((between_elements(parameter.detach()) == GUARD).all()):
                raise _Malformed(f"memory between the elements of sliced tensor {index} was written")

    def _observe(self) -> None:
        """Note what parameters and states are now."""
        adapter, sparse = self.adapter, "sparse" in self.script.invocation
        paths = list(adapter.states.values())
        if adapter.count is not None:
            paths.append(adapter.count)
        row: list[torch.Tensor | None] = []
        for index, parameter in enumerate(self.parameters):
            thing, where = self.whose(index)
            values = state_access.read_all(thing, paths, where)
            count = None if adapter.count is None else values.pop()
            if count is None and adapter.count is not None and adapter.takes == "groups":
                count = self.objects[0].param_groups[where.group].get(adapter.count)
            self.counts[index].append(-1.0 if count is None else _number(count, f"count of tensor {index}"))
            for path, value in zip(paths, values, strict=False):
                if sparse and isinstance(value, torch.Tensor) and value.is_sparse:
                    value = value.to_dense()
                row.append(_state(value, path, index, parameter))
        self.buffer.write([*self.parameters, *row])

    def _trace(self, index: int, finished: int) -> Trace:
        tensor, names = self.script.tensors[index], list(self.adapter.states)
        states: dict[str, NDArray[Any]] = {}
        present: dict[str, NDArray[np.bool_]] = {}
        for place, name in enumerate(names, len(self.parameters) + index * len(names)):
            blocks = list(self.buffer.blocks(place, finished + 1))
            there = [block.values is not None for block in blocks]
            present[name] = np.repeat(there, [block.rows for block in blocks]) if blocks else np.zeros(1, np.bool_)
            states[name] = state_rows(blocks, tensor)
        course = rows_of(list(self.buffer.blocks(index, finished + 1)), tensor)
        before = course[:-1]
        if touched := [number for number in self.touched if number <= finished]:
            before = before.copy()
            for number in touched:
                before[number - 1] = rows_of(list(self.touched[number].blocks(index, 1)), tensor)[0]
        return Trace(
            before=before,
            theta=course[1:],
            states=states,
            present=present,
            count=np.array(self.counts[index][: finished + 1] or [-1.0], dtype=np.float64),
        )
