"""Bad arguments: uses that an optimizer should reject, made from its signature, and how it answers each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from stepcheck_implementations.recorder.captured_warnings import captured_warnings, stable_error
from stepcheck_implementations.recorder.minimal_run import MinimalRun

ACCEPTED = "accepted"
UNKNOWN = "stepcheck_unknown"
"""A name, and a string, that no optimizer knows."""

FLAGS = ("foreach", "fused", "capturable", "differentiable", "maximize", "nesterov", "amsgrad", "centered")
"""Arguments that are switches, whether they default to False or to None."""


@dataclass(frozen=True, slots=True)
class BadUse:
    """A wrong or doubtful use: ``build`` makes the optimizer, ``use`` goes on with it, in the stage ``stage``."""

    name: str
    build: Callable[[], Any]
    use: Callable[[Any], None]
    stage: str = "at the step"


def bad_argument_results(kind: Callable[..., Any], run: MinimalRun) -> dict[str, str]:
    """Return the answer of ``kind`` to each bad use, by the use's name.

    It is "accepted", or "at construction: " or "at the step: " or the like and the error; then the warnings, each after
    "; warns ".
    """
    return {use.name: answer_to(use) for use in bad_uses(kind, run)}


def answer_to(case: BadUse) -> str:
    """Return how ``case`` ended, in one line."""
    answer = ACCEPTED
    stage = "at construction"
    with captured_warnings() as raised:
        try:
            optimizer = case.build()
            stage = case.stage
            case.use(optimizer)
        except (Exception, SystemExit) as error:
            answer = f"{stage}: {stable_error(error)}"
    return "; warns ".join((answer, *dict.fromkeys(raised)))


def bad_uses(kind: Callable[..., Any], run: MinimalRun) -> Iterator[BadUse]:
    """Yield every bad use of ``kind``: by its signature, then by parameters, options and loads."""
    entries = list(inspect.signature(kind).parameters.values())[1:]
    names = {entry.name for entry in entries}
    for entry in entries:
        for value in _bad_values(entry):
            yield _with_arguments(kind, run, "", **{entry.name: value})
    yield _with_arguments(kind, run, "", **{UNKNOWN: 1})
    if not run.one:
        yield from _bad_parameters(kind, run)
    yield from _options(kind, run, names)
    if "lr" in names:
        yield from _tensor_rates(kind, run, names)
    yield from _steps(kind, run)
    yield from _loads(kind, run)


def _bad_values(entry: inspect.Parameter) -> Iterator[Any]:
    default = entry.default
    if entry.kind in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD) or isinstance(default, bool) or entry.name in FLAGS:
        return
    if default is entry.empty or isinstance(default, (int, float)):
        integer = isinstance(default, int)
        yield from (-1 if integer else -1.0, math.nan, UNKNOWN)
        if not integer:
            yield None
    elif isinstance(default, (list, tuple)):
        for index in range(len(default)):
            for value in (-0.5, 1.0, 1.5, math.nan, UNKNOWN):
                yield (*default[:index], value, *default[index + 1 :])
        yield from (tuple(default[:-1]), (*default, default[-1]), 0.5)
    else:
        yield from (UNKNOWN, -1)


def _with_arguments(kind: Callable[..., Any], run: MinimalRun, title: str = "", /, **arguments: Any) -> BadUse:
    """Return the use of ``arguments`` in a construction, and one step."""
    parameters = run.parameters()
    return BadUse(
        title or ", ".join(f"{name}={value!r}" for name, value in arguments.items()),
        lambda: run.build(kind, list(parameters), **arguments),
        lambda optimizer: run.step(optimizer, parameters),
    )


def _built_from(
    kind: Callable[..., Any], run: MinimalRun, title: str, first: Any, parameters: Sequence[torch.Tensor]
) -> BadUse:
    """Return the use of ``first`` as the first argument, and one step."""
    return BadUse(title, lambda: run.build(kind, first), lambda optimizer: run.step(optimizer, parameters))


def _bad_parameters(kind: Callable[..., Any], run: MinimalRun) -> Iterator[BadUse]:
    first, second = run.parameters()
    yield _built_from(kind, run, "no parameters", [], [])
    yield _built_from(kind, run, "an empty group", [{"params": []}], [])
    yield _built_from(kind, run, "numbers for parameters", [0.5], [])
    yield _built_from(kind, run, "a tensor for the list", first, [first])
    yield _built_from(kind, run, "a group without params", [{"lr": 0.5}], [])
    yield _built_from(kind, run, "a parameter twice in one group", [first, first], [first])
    twice = [{"params": [first]}, {"params": [first, second]}]
    yield _built_from(kind, run, "a parameter in two groups", twice, [first, second])
    yield _built_from(kind, run, "two groups", [{"params": [first]}, {"params": [second]}], [first, second])
    unknown = [{"params": [first], UNKNOWN: 1}]
    yield _built_from(kind, run, "a group with an unknown key", unknown, [first])
    product = first * 2
    yield _built_from(kind, run, "a tensor that is no leaf", [product], [])
    named = [("first", first), ("second", second)]
    yield _built_from(kind, run, "named parameters", named, [first, second])
    half = [("first", first), second]
    yield _built_from(kind, run, "some parameters named", half, [first, second])
    constant = torch.zeros(run.shapes[0])
    yield _built_from(kind, run, "a tensor that requires no gradient", [constant], [constant])
    integers = torch.zeros(run.shapes[0], dtype=torch.int64)
    yield _built_from(kind, run, "integers", [integers], [integers])
    pairs = run.parameters(torch.complex64)
    yield _built_from(kind, run, "complex parameters", list(pairs), pairs)
    narrow = run.parameters(torch.bfloat16)
    yield _built_from(kind, run, "bfloat16 parameters", list(narrow), narrow)


_OPTION_SETS: tuple[dict[str, Any], ...] = (
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


def _options(kind: Callable[..., Any], run: MinimalRun, names: set[str]) -> Iterator[BadUse]:
    for options in _OPTION_SETS:
        if options.keys() <= names:
            yield _with_arguments(kind, run, "", **options)


def _tensor_rates(kind: Callable[..., Any], run: MinimalRun, names: set[str]) -> Iterator[BadUse]:
    rates = (("0-d", torch.tensor(0.5)), ("1-element", torch.tensor([0.5])), ("2-element", torch.tensor([0.5, 0.25])))
    paths: list[dict[str, Any]] = [{}]
    paths += [{name: True} for name in ("foreach", "fused", "capturable") if name in names]
    paths += [{"foreach": True, "capturable": True}] if {"foreach", "capturable"} <= names else []
    for shape, rate in rates:
        for options in paths:
            title = ", ".join((f"lr a {shape} tensor", *(f"{name}=True" for name in options)))
            yield _with_arguments(kind, run, title, lr=rate.clone(), **options)


def _steps(kind: Callable[..., Any], run: MinimalRun) -> Iterator[BadUse]:
    parameters = run.parameters()

    def build() -> Any:
        return run.build(kind, list(parameters))

    yield BadUse("a step without a closure", build, lambda optimizer: optimizer.step())
    yield BadUse("a step with a closure", build, lambda optimizer: optimizer.step(lambda: torch.zeros(())))
    yield BadUse("a step with a number for the closure", build, lambda optimizer: optimizer.step(0.5))
    yield BadUse("a sparse gradient", build, lambda optimizer: _sparse_step(optimizer, parameters))


def _sparse_step(optimizer: Any, parameters: Sequence[torch.nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter).to_sparse(1)
    optimizer.step(lambda: torch.zeros(()))


def _loads(kind: Callable[..., Any], run: MinimalRun) -> Iterator[BadUse]:
    if run.one:
        return

    def build() -> Any:
        parameters = run.parameters()
        optimizer = run.build(kind, list(parameters))
        run.step(optimizer, parameters)
        return optimizer

    def load(name: str, change: Callable[[dict[str, Any]], Any]) -> BadUse:
        return BadUse(
            f"a load of {name}",
            build,
            lambda optimizer: optimizer.load_state_dict(change(optimizer.state_dict())),
            "at the load",
        )

    def groups(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
        return lambda state: {**state, "param_groups": [change(group) for group in state["param_groups"]]}

    def add(name: str, group: Callable[[Any], Any]) -> BadUse:
        return BadUse(
            f"a group added {name}",
            build,
            lambda optimizer: optimizer.add_param_group(group(optimizer)),
            "at the addition",
        )

    first = run.parameters()[0]
    yield load("its own state", lambda state: state)
    yield load("two groups into one", lambda state: {**state, "param_groups": state["param_groups"] * 2})
    yield load("another number of parameters", groups(lambda group: {**group, "params": group["params"][:1]}))
    yield load("groups alone", lambda state: {"param_groups": state["param_groups"]})
    yield load("state alone", lambda state: {"state": state["state"]})
    yield load("an empty state", lambda state: {**state, "state": {}})
    yield load("None", lambda state: None)
    yield add("of a new parameter", lambda optimizer: {"params": [first]})
    yield add("of a parameter that is there", lambda optimizer: {"params": optimizer.param_groups[0]["params"]})
    yield add("that is a list", lambda optimizer: [first])
