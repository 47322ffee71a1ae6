"""Script in, Trajectory out: the code that drives a subject.

Runs wherever the subject runs: in a worker process, or in the user's own for objects handed over in Python. Needs
torch, numpy, and the plain-data part of ``stepcheck_reference``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.adapters.wrappers import load_wrapper
from stepcheck_implementations.driver import contracts, layout
from stepcheck_implementations.driver.error_text import call_subject, fault_of
from stepcheck_implementations.driver.gradients import Gradients
from stepcheck_implementations.driver.invocation import entries, loss_of, through_a_pickle
from stepcheck_implementations.driver.observation import Observer
from stepcheck_implementations.driver.portable import skip_step, through_file, uncoalesced
from stepcheck_implementations.driver.subject import Subject
from stepcheck_implementations.driver.target import load
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Fault, Trajectory, unobserved


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
    with torch_settings(script):
        return ScriptExecution(adapter, cell, script, subject_factory(adapter, subject), reached).trajectory()


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
    """Set torch's global state as ``script`` needs it: one thread, its default dtype; restored at the end."""
    with _one_thread(), _default_dtype(script), torch.random.fork_rng(devices=[]):
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
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if threads != 1:
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
        self.modified_gradients: set[int] = set()

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
        subject.construct()
        if self.start is not None:
            call_subject(partial(subject.objects[0].load_state_dict, self.start))
        self.observer.observe()
        for number in range(1, len(self.script.steps) + 1):
            self.number = number
            self._step(number)
            self.finished = number
        contracts.check_neighbours(subject)

    def _observed(self, fault: Fault | None) -> Trajectory:
        """Return the trajectory of what was observed."""
        subject, log = self.subject, self.gradients.log
        indices = range(len(subject.parameters)) if subject.objects else ()
        return Trajectory(
            traces=self.observer.traces(self.finished),
            steps=self.finished,
            fault=fault,
            observed=tuple(self.adapter.states),
            modified_gradients=tuple(sorted(self.modified_gradients)),
            calls=tuple(log.calls),
            returned=tuple(log.returned),
            losses=tuple(log.losses),
            entries=tuple(tuple(entries(*subject.owner(index))) for index in indices),
        )

    def _step(self, number: int) -> None:
        """Do everything that the script says of step ``number``, and observe the result."""
        step, subject = self.script.steps[number - 1], self.subject
        if self.reached is not None:
            self.reached(number)
        if step.reload:
            self._reload(str(step.reload), step.into)
        subject.set_hyper(step.hyper)
        by_closure = self.gradients.by_closure
        with torch.no_grad():
            for index, data in step.overwrite:
                subject.parameters[index].copy_(layout.values(data, self.script.tensors[index]))
            if step.overwrite or step.reload or self.script.box is not None:
                self.observer.observe_before(number)
            copies, passed = self.gradients.take(step, subject.parameters)
            sparse = "sparse" in self.script.invocation
            rows = [row if row is None or row.dim() == 0 else uncoalesced(row) for row in passed] if sparse else passed
            for parameter, row in zip(subject.parameters, rows, strict=True):
                parameter.grad = None if by_closure else row
        closure = (self.gradients.closure(passed, number, subject.parameters),) if by_closure else ()
        if step.skip:
            for optimizer, take_step in zip(subject.objects, subject.steps, strict=True):
                skip_step(optimizer, partial(call_subject, take_step), self.cell.device)
        else:
            for index, take_step in enumerate(subject.steps):
                if self.adapter.takes != "tensor" or closure or step.gradients[index] is not None:
                    returned = call_subject(partial(take_step, *closure))
                    if closure:
                        self.gradients.log.returned[-1] = loss_of(returned)
        contracts.check_parameters(subject, partial(self.observer.before, number))
        self.modified_gradients = contracts.modified_gradients(copies, passed, self.modified_gradients)
        self.gradients.spoil(passed)
        self.observer.observe()
        if self.script.box is not None:
            for parameter in subject.parameters:
                values = parameter.detach()
                (torch.view_as_real(values) if values.is_complex() else values).clamp_(*self.script.box)

    def _reload(self, how: str, into: str) -> None:
        """Save and load the subject as ``RELOADS`` says, ``into`` another mode; do nothing without a state dict."""
        subject = self.subject
        if how in ("copied", "pickled"):
            classes = (subject.build, *dict.fromkeys(type(optimizer) for optimizer in subject.objects))
            copied = copy.deepcopy if how == "copied" else partial(through_a_pickle, classes=classes)
            subject.replace(*call_subject(lambda: copied((subject.parameters, subject.objects))))
            return
        if not all(hasattr(optimizer, "state_dict") for optimizer in subject.objects):
            return
        saved = [copy.deepcopy(call_subject(optimizer.state_dict)) for optimizer in subject.objects]
        if how == "saved":
            saved = [call_subject(partial(through_file, state)) for state in saved]
        if into:
            subject.switch_mode(into)
            for state in saved:
                _change_mode(state, self.adapter.modes[into])
        subject.construct()
        for optimizer, state in zip(subject.objects, saved, strict=True):
            call_subject(partial(optimizer.load_state_dict, state))


def _change_mode(state_dict: Any, options: Mapping[str, Any]) -> None:
    """Overwrite what the groups of a state dict say of execution paths by ``options``."""
    for group in state_dict.get("param_groups", ()) if isinstance(state_dict, dict) else ():
        group.update({name: value for name, value in options.items() if name in group})
