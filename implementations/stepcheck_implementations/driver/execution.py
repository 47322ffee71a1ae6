"""Script in, Trajectory out: the code that drives a subject.

Runs wherever the subject runs: in a worker process, or in the user's own for objects handed over in Python. Needs
torch, numpy, and the plain-data part of ``stepcheck_reference``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.adapters.wrappers import load_wrapper
from stepcheck_implementations.driver import lifecycle
from stepcheck_implementations.driver.error_text import call_subject, fault_of
from stepcheck_implementations.driver.inputs import layout
from stepcheck_implementations.driver.inputs.gradients import Gradients
from stepcheck_implementations.driver.invocation import entries, loss_of
from stepcheck_implementations.driver.observing import contracts
from stepcheck_implementations.driver.observing.observation import Observer
from stepcheck_implementations.driver.observing.process_state import disturbed, process_state, seeded
from stepcheck_implementations.driver.portable import in_thread, scaled_step, skip_step
from stepcheck_implementations.driver.subject import Subject
from stepcheck_implementations.driver.target import load
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Fault, Trajectory, unobserved

OTHER_STEPS = 2
"""Steps that another optimizer of the class has taken before the script's first one."""


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
    imported, which raises TargetError. ``reached`` is called with each step's number just before it is taken.
    What the subject raises or breaks becomes the trajectory's fault; ValueError means that the script and
    the adapter do not fit.
    """
    build = subject_factory(adapter, subject)
    adapter.configuration(cell.configuration)
    trajectories: list[Trajectory] = []

    def execute() -> None:
        with torch_settings(script):
            trajectories.append(ScriptExecution(adapter, cell, script, build, reached).trajectory())

    ended = fault_of(execute)
    return trajectories[0] if ended is None else unobserved(script, adapter.states, Fault(*ended, 0))


def subject_factory(adapter: Adapter, subject: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return what builds the adapter's subjects; raises TargetError, and ValueError where it can build nothing."""
    build = subject if subject is not None else load(adapter.target)
    if adapter.wrapper:
        build = load_wrapper(adapter.wrapper)(build, adapter)
    if not callable(build):
        raise ValueError(f"{adapter.target}={build!r}, but should be a class or function")
    return build


@contextmanager
def torch_settings(script: Script) -> Iterator[None]:
    """Set global state as ``script`` needs it: one thread, its default dtype, seeds; restored at the end."""
    with _threads(1), _default_dtype(script), seeded():
        yield


def initialize_device(device: str) -> None:
    """Initialize ``device``, which can take seconds in a process that has not used it yet."""
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
def _threads(wanted: int) -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads != wanted:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        if threads != wanted:
            torch.set_num_threads(threads)


class ScriptExecution:
    """One script on one subject.

    ``start`` is a state dict that the subject loads before its first step, to continue another run.
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
        self.adapter, self.cell, self.script, self.reached, self.start = adapter, cell, script, reached, start
        self.subject = Subject(adapter, cell, script, build)
        self.number = self.finished = 0
        """The step that is being taken, and the last that was finished."""
        self.gradient_changes: dict[int, str] = {}
        self.other: Subject | None = None
        """Another optimizer of the class, which takes steps between the script's."""
        if "two_optimizers" in script.invocation:
            self.other = Subject(adapter, cell, lifecycle.other_script(script), build)

    def trajectory(self) -> Trajectory:
        """Take every step and return the trajectory; to be called once."""
        ended = fault_of(self._take_steps)
        trajectories: list[Trajectory] = []
        unseen = fault_of(lambda: trajectories.append(self._observed(self._fault(ended))))
        if unseen is None:
            return trajectories[0]
        return unobserved(self.script, self.adapter.states, self._fault(ended or unseen))

    def _fault(self, ended: tuple[str, str] | None) -> Fault | None:
        return None if ended is None else Fault(*ended, self.number)

    def _take_steps(self) -> None:
        """Make the subject and take every step."""
        if wraps_compile(self.adapter, self.cell.mode):
            torch._dynamo.reset()
        subject = self.subject
        subject.place()
        self.gradients = Gradients(self.script, self.cell.device)
        self.observer = Observer(subject)
        self.process_state = process_state()
        if self.other is not None:
            self.other.place()
            self.other.construct()
        subject.construct()
        if self.start is not None:
            call_subject(partial(subject.objects[0].load_state_dict, self.start))
        self.observer.observe()
        for number in range(1, len(self.script.steps) + 1):
            self.number = number
            self._step(number)
            self.finished = number
        contracts.check_surroundings(subject.surroundings, "tensor")

    def _observed(self, fault: Fault | None) -> Trajectory:
        """Return the trajectory of what was observed."""
        subject, log = self.subject, self.gradients.log
        indices = range(len(subject.parameters)) if subject.objects else ()
        return Trajectory(
            traces=self.observer.traces(self.finished),
            steps=self.finished,
            fault=fault,
            observed=tuple(self.adapter.states),
            modified_gradients=tuple(sorted(self.gradient_changes)),
            gradient_changes=tuple(change for _, change in sorted(self.gradient_changes.items())),
            disturbed=disturbed(self.process_state),
            offers=lifecycle.offers(subject.objects),
            calls=tuple(log.calls),
            returned=tuple(log.returned),
            losses=tuple(log.losses),
            entries=tuple(tuple(entries(*subject.owner(index))) for index in indices),
        )

    def _call(self, number: int, index: int, take_step: Callable[[], Any]) -> Any:
        """Return what the step of object ``index`` returns, called as the script says of step ``number``."""
        step, subject = self.script.steps[number - 1], self.subject
        if step.grad_scale:
            parameters = subject.parameters_of(index)
            optimizer, scale = subject.objects[index], step.grad_scale
            take_step = partial(scaled_step, optimizer, parameters, take_step, scale, self.cell.device)
        if "other_thread" in self.script.invocation and number % 2 == 0:
            take_step = partial(in_thread, take_step)
        if not step.default_dtype:
            return call_subject(take_step)
        before = torch.get_default_dtype()
        torch.set_default_dtype(layout.DTYPES[step.default_dtype])
        try:
            return call_subject(take_step)
        finally:
            torch.set_default_dtype(before)

    def _step(self, number: int) -> None:
        """Do everything that the script says of step ``number``, and observe the result."""
        step, subject = self.script.steps[number - 1], self.subject
        if self.reached is not None:
            self.reached(number)
        if step.reload:
            lifecycle.reload(subject, str(step.reload), step.into, number, by_closure=self.gradients.by_closure)
        subject.add_groups(step.adds_groups)
        subject.set_hyper(step.hyper)
        if step.zero_grad:
            lifecycle.zero_grad(subject, step.zero_grad)
        if self.other is not None:
            for _ in range(OTHER_STEPS if number == 1 else 1):
                lifecycle.step_once(self.other.parameters, self.other.objects, by_closure=self.gradients.by_closure)
        by_closure = self.gradients.by_closure or step.closure
        with torch.no_grad():
            for index, data in step.overwrite:
                subject.parameters[index].copy_(layout.values(data, self.script.tensors[index]))
            if step.overwrite or step.reload or self.script.box is not None:
                self.observer.observe_before(number)
            copies, passed = self.gradients.take(step, subject.parameters)
            surroundings = self.gradients.surroundings(passed)
            sparse = "sparse" in self.script.invocation
            rows = passed
            if sparse:
                pairs = zip(passed, self.script.tensors, strict=True)
                rows = [None if row is None else layout.sparse(row, tensor) for row, tensor in pairs]
            for parameter, row in zip(subject.parameters, rows, strict=True):
                parameter.grad = None if by_closure else row
        closure = (self.gradients.closure(passed, number, subject.parameters),) if by_closure else ()
        if not closure:
            self.gradients.no_closure()
        with _threads(self.script.threads):
            if step.skip:
                for optimizer, take_step in zip(subject.objects, subject.steps, strict=True):
                    skip_step(optimizer, partial(call_subject, take_step), self.cell.device)
            else:
                for index, take_step in enumerate(subject.steps):
                    if self.adapter.takes != "tensor" or closure or step.gradients[index] is not None:
                        returned = self._call(number, index, partial(take_step, *closure))
                        if closure:
                            self.gradients.log.returned[-1] = loss_of(returned)
        contracts.check_parameters(subject, partial(self.observer.before, number))
        own = not sparse and self.script.objective is None and not (closure and not self.gradients.log.calls[-1])
        current = [parameter.grad for parameter in subject.parameters] if own else passed
        self.gradient_changes |= contracts.gradient_changes(copies, passed, current, self.gradient_changes)
        contracts.check_surroundings(surroundings, "gradient")
        self.gradients.spoil(passed)
        self.observer.observe()
        if self.script.box is not None:
            for parameter in subject.parameters:
                values = parameter.detach()
                (torch.view_as_real(values) if values.is_complex() else values).clamp_(*self.script.box)
