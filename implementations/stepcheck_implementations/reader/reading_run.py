"""Reading run: an optimizer that takes steps 1, 2, 3 and 1000, and what each of its numbers is after each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.driver.error_text import call_subject
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.reader import held_numbers
from stepcheck_implementations.reader.arrays.numpy_substitutions import numpy_substituted
from stepcheck_implementations.reader.carried_numbers import bare, carried
from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.read_subject import Construction, Subject
from stepcheck_implementations.reader.substitutions import modules_of, substituted
from stepcheck_implementations.reader.tensor_entries import TensorEntries
from stepcheck_implementations.reader.torch_mode import ReadingMode

UNSEEN = "a write that was not seen"
"""The function that stands for a change that no call of torch made."""
STEPS = (1, 2, 3)
"""The steps that are taken first."""
FAR = (1000, 100)
"""The step that is taken last, with counters set forward: the first that all of them can show."""


@dataclass(frozen=True, slots=True)
class StepRead:
    """What step ``t`` made of theta and of what is held, as entries, under which conditions, with what unread."""

    t: int
    theta: int
    held: Mapping[str, int]
    conditions: tuple[tuple[int, bool], ...]
    opaque: tuple[str, ...]


@dataclass(slots=True)
class PlainRun:
    """A run that is not read, whose last step is ``last``.

    ``counters`` are paths and what they show beyond the steps taken, ``states`` the paths of tensors, and of numbers
    that change otherwise; ``scalar`` those that are one number.
    """

    counters: dict[str, int] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    scalar: list[str] = field(default_factory=list)
    bits: dict[str, object] = field(default_factory=dict)
    has_groups: bool = False
    last: int = FAR[0]


@dataclass(slots=True)
class ReadRun:
    """A run that is read."""

    graph: ExpressionGraph
    steps: list[StepRead] = field(default_factory=list)
    init: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    bits: dict[str, object] = field(default_factory=dict)


def plain_run(construction: Construction) -> PlainRun:
    """Return what a run shows that nothing reads."""
    with _eager():
        subject = Subject(construction, construction.numbers)
        rows = [_rows(subject)]
        for index in range(3):
            subject.step(index)
            rows.append(_rows(subject))
        run = PlainRun(has_groups=state_access.is_optimizer(subject.optimizer))
        for path, (value, *_) in subject.held().items():
            seen = [row.get(path) for row in rows]
            elements = isinstance(value, (torch.Tensor, np.ndarray))
            one = not elements or math.prod(value.shape) == 1
            offset = _offset(seen) if one else None
            if offset is not None:
                run.counters[path] = offset
            elif elements or len({str(entry) for entry in seen if entry is not None}) > 1:
                run.states.append(path)
                if one:
                    run.scalar.append(path)
        run.last = next((t for t in FAR if _set_counters(subject, run.counters, t)), FAR[-1])
        subject.step(3)
        run.bits = subject.bits()
    return run


def read_run(construction: Construction, plain: PlainRun) -> ReadRun:
    """Return what a run shows that is read."""
    graph = ExpressionGraph()
    run = ReadRun(graph)
    known = TensorEntries(graph)
    symbols = {slot: graph.symbol("hyper", name) for slot, name in construction.symbols.items()}
    numbers = {slot: carried(value, graph, symbols[slot]) for slot, value in construction.numbers.items()}
    modules = modules_of(construction.code)
    graph.files = frozenset(str(module.__file__) for module in modules if getattr(module, "__file__", None))
    with _eager(), substituted(modules, graph), numpy_substituted(modules, known):
        mode = ReadingMode(known)
        with mode:
            subject = Subject(construction, numbers, known)
        theta = graph.symbol("theta", "theta")
        for path, (value, *_) in subject.held().items():
            if path in plain.states:
                run.init[path] = known.of(value)
        for index, t in enumerate((*STEPS, plain.last)):
            before = _bind(subject, plain, known, t)
            subject.set_gradients(index)
            for parameter in subject.parameters:
                assert parameter.grad is not None
                known.put(parameter.grad, graph.symbol("g", "g"))
            graph.take_path()
            graph.recording = True
            with mode:
                call_subject(subject.optimizer.step)
            graph.recording = False
            conditions, opaque = graph.take_path()
            after = {path: values[0] for path, values in subject.held().items() if path in plain.states}
            held = {
                path: _seen(known, value, graph.symbol("state", path), before.get(path))
                for path, value in after.items()
            }
            theta_after = _seen(known, subject.parameters[0], theta, before["theta"])
            opaque += graph.take_path()[1]
            run.steps.append(StepRead(t, theta_after, held, tuple(conditions), tuple(opaque)))
            for path, value in after.items():
                if index == 0 and path not in before and isinstance(value, (torch.Tensor, np.ndarray)):
                    first = known.first(value)
                    if first is not None:
                        run.first[path] = first
        run.bits = subject.bits()
    return run


def _seen(known: TensorEntries, value: Any, symbol: int, before: object) -> int:
    """Return the entry of ``value``: a call that was not seen, where only its bits have changed."""
    entry = known.of(value)
    if entry == symbol and before is not None and held_numbers.bits(value) != before:
        return known.graph.call(UNSEEN, entry)
    return entry


def _bind(subject: Subject, plain: PlainRun, known: TensorEntries, t: int) -> dict[str, object]:
    """Let everything that is held be a symbol, and counters be what they show before step ``t``.

    Returns the bits of all that is held.
    """
    graph = known.graph
    if t not in STEPS:
        _set_counters(subject, plain.counters, t)
    known.forget()
    subject.name_parameters(known)
    held = subject.held()
    taken: list[Any] = list(subject.parameters)
    for path, values in held.items():
        if path in plain.counters:
            entry = graph.add("add", graph.symbol("t", "t"), graph.number(plain.counters[path] - 1))
        elif path in plain.states:
            entry = graph.symbol("state", path)
        else:
            continue
        for value, location in zip(values, subject.locations, strict=True):
            if not isinstance(value, (torch.Tensor, np.ndarray)):
                held_numbers.replace(subject.optimizer, path, carried(bare(value), graph, entry), location)
            elif not any(known.same_memory(value, other) for other in taken):
                known.put(value, entry)
                taken.append(value)
    bits = {path: held_numbers.bits(values[0]) for path, values in held.items()}
    return {**bits, "theta": held_numbers.bits(subject.parameters[0])}


def _set_counters(subject: Subject, counters: Mapping[str, int], t: int) -> bool:
    """Let every counter show that step ``t`` is the next, and say whether each can."""
    held, done = subject.held(), True
    for path, offset in counters.items():
        for value, location in zip(held.get(path, ()), subject.locations, strict=False):
            number = t - 1 + offset
            new = float(number) if isinstance(value, float) else number
            done &= held_numbers.replace(subject.optimizer, path, new, location)
    return done


def _rows(subject: Subject) -> dict[str, list[float]]:
    return {path: held_numbers.numbers_in(values[0]) for path, values in subject.held().items()}


def _offset(rows: list[list[float] | None]) -> int | None:
    """Return what a counter shows beyond the number of steps taken, None for what does not count steps."""
    shown = [row[0] - step for step, row in enumerate(rows) if row and step > 0]
    if len(shown) < 3 or len(set(shown)) != 1 or not float(shown[0]).is_integer():
        return None
    first = rows[0]
    if first and first[0] != shown[0] and abs(shown[0]) > 1:
        return None
    return int(shown[0])


@contextmanager
def _eager() -> Iterator[None]:
    """Let what ``torch.compile`` has wrapped run as it was written, and seed what is drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stance = getattr(torch.compiler, "set_stance", None)
        if stance is None:
            yield
            return
        with stance("force_eager"):
            yield
