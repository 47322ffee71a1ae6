"""Bad arguments: a list made from an optimizer's signature, and what the optimizer says to each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from stepcheck_implementations.recorder.captured_warnings import captured_warnings, stable_text
from stepcheck_implementations.recorder.minimal_run import Way

ACCEPTED = "accepted"
UNKNOWN = "stepcheck_unknown"
"""A name and a word that no optimizer knows."""

FLAGS = ("foreach", "fused", "capturable", "differentiable", "maximize", "nesterov", "amsgrad", "centered")
"""Arguments that are switches, whether they default to False or to None."""


@dataclass(frozen=True, slots=True)
class Case:
    """A bad or doubtful use: ``build`` makes the optimizer, ``use`` does what follows, which ``stage`` says."""

    name: str
    build: Callable[[], Any]
    use: Callable[[Any], None]
    stage: str = "at the step"


def bad_argument_results(kind: Callable[..., Any], way: Way) -> dict[str, str]:
    """Return what ``kind`` does in each case, by the case's name.

    It is "accepted", or "at construction: " or "at the step: " or the like and the error; then the warnings, each after
    "; warns ".
    """
    return {case.name: outcome(case) for case in cases(kind, way)}


def outcome(case: Case) -> str:
    """Return what came of ``case``, in one line."""
    found = ACCEPTED
    stage = "at construction"
    with captured_warnings() as heard:
        try:
            thing = case.build()
            stage = case.stage
            case.use(thing)
        except (Exception, SystemExit) as error:
            found = f"{stage}: {stable_text(error)}"
    return "; warns ".join((found, *dict.fromkeys(heard)))


def cases(kind: Callable[..., Any], way: Way) -> Iterator[Case]:
    """Yield every case for ``kind``, in the order of its signature and then of its parameters, options and loads."""
    entries = list(inspect.signature(kind).parameters.values())[1:]
    names = {entry.name for entry in entries}
    for entry in entries:
        for value in _bad_values(entry):
            yield _with(kind, way, "", **{entry.name: value})
    yield _with(kind, way, "", **{UNKNOWN: 1})
    if not way.one:
        yield from _bad_parameters(kind, way)
    yield from _options(kind, way, names)
    if "lr" in names:
        yield from _tensor_rates(kind, way, names)
    yield from _steps(kind, way)
    yield from _loads(kind, way)


def _bad_values(entry: inspect.Parameter) -> Iterator[Any]:
    default = entry.default
    if entry.kind in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD) or isinstance(default, bool) or entry.name in FLAGS:
        return
    if default is entry.empty or isinstance(default, (int, float)):
        whole = isinstance(default, int)
        yield from (-1 if whole else -1.0, math.nan, UNKNOWN)
        if not whole:
            yield None
    elif isinstance(default, (list, tuple)):
        for place in range(len(default)):
            for value in (-0.5, 1.0, 1.5, math.nan, UNKNOWN):
                yield (*default[:place], value, *default[place + 1 :])
        yield from (tuple(default[:-1]), (*default, default[-1]), 0.5)
    else:
        yield from (UNKNOWN, -1)


def _with(kind: Callable[..., Any], way: Way, title: str = "", /, **arguments: Any) -> Case:
    """Return the case of a construction with ``arguments`` and one step."""
    parameters = way.parameters()
    return Case(
        title or ", ".join(f"{name}={value!r}" for name, value in arguments.items()),
        lambda: way.build(kind, list(parameters), **arguments),
        lambda thing: way.step(thing, parameters),
    )


def _given(kind: Callable[..., Any], way: Way, title: str, given: Any, parameters: Sequence[torch.Tensor]) -> Case:
    return Case(title, lambda: way.build(kind, given), lambda thing: way.step(thing, parameters))


def _bad_parameters(kind: Callable[..., Any], way: Way) -> Iterator[Case]:
    first, second = way.parameters()
    yield _given(kind, way, "no parameters", [], [])
    yield _given(kind, way, "an empty group", [{"params": []}], [])
    yield _given(kind, way, "numbers for parameters", [0.5], [])
    yield _given(kind, way, "a tensor for the list", first, [first])
    yield _given(kind, way, "a group without params", [{"lr": 0.5}], [])
    yield _given(kind, way, "a parameter twice in one group", [first, first], [first])
    twice = [{"params": [first]}, {"params": [first, second]}]
    yield _given(kind, way, "a parameter in two groups", twice, [first, second])
    yield _given(kind, way, "two groups", [{"params": [first]}, {"params": [second]}], [first, second])
    unknown = [{"params": [first], UNKNOWN: 1}]
    yield _given(kind, way, "a group with an unknown key", unknown, [first])
    beyond = first * 2
    yield _given(kind, way, "a tensor that is no leaf", [beyond], [])
    named = [("first", first), ("second", second)]
    yield _given(kind, way, "named parameters", named, [first, second])
    half = [("first", first), second]
    yield _given(kind, way, "some parameters named", half, [first, second])
    constant = torch.zeros(way.shapes[0])
    yield _given(kind, way, "a tensor that requires no gradient", [constant], [constant])
    whole = torch.zeros(way.shapes[0], dtype=torch.int64)
    yield _given(kind, way, "integers", [whole], [whole])
    pairs = way.parameters(torch.complex64)
    yield _given(kind, way, "complex parameters", list(pairs), pairs)
    narrow = way.parameters(torch.bfloat16)
    yield _given(kind, way, "bfloat16 parameters", list(narrow), narrow)


_PAIRS: tuple[dict[str, Any], ...] = (
    {"foreach": True},
    {"fused": True},
    {"differentiable": True},
    {"capturable": True},
    {"foreach": True, "fused": True},
    {"fused": True, "differentiable": True},
    {"foreach": True, "differentiable": True},
    {"foreach": True, "fused": True, "differentiable": True},
    {"fused": True, "capturable": True},
    {"foreach": True, "capturable": True},
    {"nesterov": True},
    {"nesterov": True, "momentum": 0.0},
    {"nesterov": True, "momentum": 0.5, "dampening": 0.25},
    {"nesterov": True, "momentum": 0.5},
)
"""Options that exclude each other, or ask for a device, or for one another."""


def _options(kind: Callable[..., Any], way: Way, names: set[str]) -> Iterator[Case]:
    for options in _PAIRS:
        if options.keys() <= names:
            yield _with(kind, way, "", **options)


def _tensor_rates(kind: Callable[..., Any], way: Way, names: set[str]) -> Iterator[Case]:
    rates = (("0-d", torch.tensor(0.5)), ("1-element", torch.tensor([0.5])), ("2-element", torch.tensor([0.5, 0.25])))
    invocation: list[dict[str, Any]] = [{}]
    invocation += [{name: True} for name in ("foreach", "fused", "capturable") if name in names]
    invocation += [{"foreach": True, "capturable": True}] if {"foreach", "capturable"} <= names else []
    for words, rate in rates:
        for variant in invocation:
            title = ", ".join((f"lr a {words} tensor", *(f"{name}=True" for name in variant)))
            yield _with(kind, way, title, lr=rate.clone(), **variant)


def _steps(kind: Callable[..., Any], way: Way) -> Iterator[Case]:
    parameters = way.parameters()

    def build() -> Any:
        return way.build(kind, list(parameters))

    yield Case("a step without a closure", build, lambda thing: thing.step())
    yield Case("a step with a closure", build, lambda thing: thing.step(lambda: torch.zeros(())))
    yield Case("a step with a number for the closure", build, lambda thing: thing.step(0.5))
    yield Case("a sparse gradient", build, lambda thing: _sparse_step(thing, parameters))


def _sparse_step(thing: Any, parameters: Sequence[torch.nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter).to_sparse(1)
    thing.step(lambda: torch.zeros(()))


def _loads(kind: Callable[..., Any], way: Way) -> Iterator[Case]:
    if way.one:
        return

    def build() -> Any:
        parameters = way.parameters()
        thing = way.build(kind, list(parameters))
        way.step(thing, parameters)
        return thing

    def load(name: str, change: Callable[[dict[str, Any]], Any]) -> Case:
        return Case(
            f"a load of {name}", build, lambda thing: thing.load_state_dict(change(thing.state_dict())), "at the load"
        )

    def groups(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
        return lambda state: {**state, "param_groups": [change(group) for group in state["param_groups"]]}

    def add(name: str, group: Callable[[Any], Any]) -> Case:
        return Case(
            f"a group added {name}", build, lambda thing: thing.add_param_group(group(thing)), "at the addition"
        )

    first = way.parameters()[0]
    yield load("its own state", lambda state: state)
    yield load("two groups into one", lambda state: {**state, "param_groups": state["param_groups"] * 2})
    yield load("another number of parameters", groups(lambda group: {**group, "params": group["params"][:1]}))
    yield load("groups alone", lambda state: {"param_groups": state["param_groups"]})
    yield load("state alone", lambda state: {"state": state["state"]})
    yield load("an empty state", lambda state: {**state, "state": {}})
    yield load("None", lambda state: None)
    yield add("of a new parameter", lambda thing: {"params": [first]})
    yield add("of a parameter that is there", lambda thing: {"params": thing.param_groups[0]["params"]})
    yield add("that is a list", lambda thing: [first])
