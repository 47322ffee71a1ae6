"""The subject of one script: the objects under test, the parameters they were built from, and which has which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.driver.error_text import Malformed, Misfit, call_subject
from stepcheck_implementations.driver.inputs import layout
from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.driver.inputs.tensor_cache import script_tensors
from stepcheck_implementations.driver.invocation import TENSOR_RATES, given, tensor_rates
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.observing.state_access import TensorLocation
from stepcheck_implementations.driver.portable import ScriptedLR
from stepcheck_reference.scripts.script import Script


class Subject:
    """The objects that ``build`` makes for a cell: one, one a group or one a tensor, as ``adapter.takes`` says.

    ``parameters`` are made by ``place``, ``objects`` by ``construct``. Raises Misfit where script and adapter do
    not fit.
    """

    def __init__(self, adapter: Adapter, cell: Cell, script: Script, build: Callable[..., Any]) -> None:
        self.adapter, self.cell, self.script, self.build = adapter, cell, script, build
        self.options = self._options(cell.mode)
        self.hyper = [self._hyper_arguments(group.hyper) for group in script.groups]
        self.group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
        self.parameters: list[torch.nn.Parameter] = []
        self.locations: list[TensorLocation] = []
        self.surroundings: list[layout.Surroundings | None] = []
        """The memory around the elements of each parameter as it was given, which must stay as it is."""
        self.trains: list[bool] = []
        """Whether each parameter requires a gradient, which no step should change."""
        self.objects: list[Any] = []
        self.steps: list[Callable[..., Any]] = []
        """The ``step`` of each object, compiled in mode "compiled"."""
        self._since = self._groups_since()
        self.groups_now = len(script.groups)
        """How many groups the object has."""
        self.parameter_attributes: list[tuple[str, ...]] = []
        """The attributes in which each parameter was found when the objects were made (``takes`` other than groups)."""
        self.scheduler: ScriptedLR | None = None

    def place(self) -> None:
        """Make the parameters."""
        trains = self.cell.mode != "differentiable"
        tensors = self.script.tensors
        layouts = [tensor.layout for tensor in tensors]
        with torch.no_grad():
            placed = layout.place_all(script_tensors(self.script).initial, layouts, self.cell.device)
            self.parameters = [
                torch.nn.Parameter(values, requires_grad=trains and not tensor.frozen)
                for values, tensor in zip(placed, tensors, strict=True)
                if values is not None
            ]
        self.locations = [self._location(index) for index in range(len(self.parameters))]
        self.surroundings = layout.all_surroundings(placed, layouts)
        self.trains = [parameter.requires_grad for parameter in self.parameters]

    def _groups_since(self) -> tuple[int, ...]:
        """Return the step before which each group is added; 0 for all where the objects have no ``add_param_group``."""
        can_add = self.adapter.takes == "groups" and callable(getattr(self.build, "add_param_group", None))
        return self.script.since if can_add else (0,) * len(self.script.groups)

    def _hyper_arguments(self, hyper: Mapping[str, float]) -> dict[str, Any]:
        """Return the constructor arguments of a group's hyper-parameters."""
        fixed_hyper = self.adapter.configuration(self.cell.configuration).fixed_hyper
        by_user = {name: value for name, value in dict(self.cell.fixed).items() if name in self.adapter.hyper}
        values: dict[str, Any] = {**fixed_hyper, **by_user, **hyper}
        inherent = [
            name for name in fixed_hyper if name not in self.adapter.hyper and values[name] == fixed_hyper[name]
        ]
        passed = {name: value for name, value in values.items() if name not in inherent}
        return arguments(self.adapter.hyper, passed, self.build, self.adapter.target)

    def _options(self, mode: str) -> dict[str, Any]:
        """Return the constructor arguments of ``mode`` that are no hyper-parameters."""
        adapter, configuration = self.adapter, self.adapter.configuration(self.cell.configuration)
        if mode not in adapter.modes:
            raise Misfit(f"mode={mode!r}, but {adapter.target} has {', '.join(adapter.modes)}")
        hyper = {**adapter.hyper, **configuration.fixed_hyper}
        by_user = {name: value for name, value in dict(self.cell.fixed).items() if name not in hyper}
        return {**configuration.options, **adapter.modes[mode], **by_user}

    def switch_mode(self, mode: str) -> None:
        """Build with the options of ``mode`` from now on."""
        self.options = self._options(mode)

    def sibling(self, number: int) -> Subject:
        """Return another subject with objects of its own, on copies of the parameters, as it is before step ``number``.

        It is constructed as this one was, whatever has changed since.
        """
        other = Subject(self.adapter, self.cell, replace(self.script, invocation=()), self.build)
        other.options = self.options
        other.place()
        with torch.no_grad():
            for copied, parameter in zip(other.parameters, self.parameters, strict=True):
                copied.copy_(parameter)
        other.construct(number)
        return other

    def construct(self, number: int = 0) -> None:
        """Make the objects, anew where there are some, with the groups that they have before step ``number``."""
        groups = self.script.groups
        if self.adapter.takes == "groups":
            first = [group for group in range(len(groups)) if not self._since[group]]
            self.groups_now = len(first)
            tables = [{"params": self._tensors(group), **self.hyper[group]} for group in first]
            objects = [self._build(given(tables, self.script.invocation), self.hyper[0] if self.hyper else {})]
        elif self.adapter.takes == "list":
            objects = [
                self._build([self.parameters[index] for index in group.tensors], hyper)
                for group, hyper in zip(groups, self.hyper, strict=True)
            ]
        else:
            objects = [
                self._build(parameter, self.hyper[self.group_of[index]])
                for index, parameter in enumerate(self.parameters)
            ]
        self._adopt(objects)
        for group, since in enumerate(self._since):
            if 0 < since < number:
                self.add_group(group)

    def _tensors(self, group: int) -> list[torch.nn.Parameter]:
        return [self.parameters[index] for index in self.script.groups[group].tensors]

    def add_groups(self, numbers: Iterable[int]) -> None:
        """Add groups to the object, as the script says of a step."""
        for group in sorted(numbers):
            if self._since[group]:
                self.add_group(group)

    def add_group(self, group: int) -> None:
        """Add a group with the hyper-parameters that differ from those that the object was constructed with."""
        own = {name: value for name, value in self.hyper[group].items() if self.hyper[0].get(name) != value}
        self.groups_now = group + 1
        call_subject(lambda: self.objects[0].add_param_group({"params": self._tensors(group), **own}))

    def _build(self, parameters: object, hyper: Mapping[str, Any]) -> Any:
        for kind in TENSOR_RATES:
            if kind in self.script.invocation and self.adapter.hyper.get("lr") in hyper:
                parameters, hyper = tensor_rates(kind, self.adapter.hyper["lr"], parameters, hyper, self.cell.device)
        return call_subject(lambda: trained(self.build(parameters, **{**hyper, **self.options})))

    def replace(self, parameters: list[torch.nn.Parameter], objects: list[Any]) -> None:
        """Go on with other parameters and objects, which are copies of these."""
        self.parameters = parameters
        self.locations = [self._location(index) for index in range(len(parameters))]
        self._adopt(objects)

    def _adopt(self, objects: list[Any]) -> None:
        """Drive ``objects`` from now on."""
        self.objects = objects
        self.parameter_attributes = [
            () if self.adapter.takes == "groups" else tuple(state_access.attributes_of_parameter(*self.owner(index)))
            for index in range(len(self.parameters))
        ]
        self.steps = []
        compiles = wraps_compile(self.adapter, self.cell.mode)
        for optimizer in objects:
            step = getattr(optimizer, "step", None)
            if not callable(step):
                raise Malformed(f"{self.adapter.target}: made a {type(optimizer).__name__}, which has no step()")
            self.steps.append(torch.compile(step) if compiles else step)
        if "scheduler" in self.script.invocation and self.adapter.takes == "groups":
            self.scheduler = call_subject(lambda: ScriptedLR(objects[0]))

    def owner(self, index: int) -> tuple[Any, TensorLocation]:
        """Return the object that has tensor ``index``, and the tensor's location in it."""
        number = {"groups": 0, "list": self.group_of[index], "tensor": index}[self.adapter.takes]
        return self.objects[number], self.locations[index]

    def parameters_of(self, number: int) -> list[torch.nn.Parameter]:
        """Return the parameters that object ``number`` was built from."""
        if self.adapter.takes == "groups":
            return self.parameters
        return self._tensors(number) if self.adapter.takes == "list" else [self.parameters[number]]

    def _location(self, index: int) -> TensorLocation:
        group = self.group_of[index]
        position = self.script.groups[group].tensors.index(index)
        if self.adapter.takes == "groups":
            earlier = sum(len(before.tensors) for before in self.script.groups[:group])
            return TensorLocation(self.parameters[index], earlier + position, group)
        return TensorLocation(self.parameters[index], position if self.adapter.takes == "list" else 0)

    def set_hyper(self, changes: Sequence[tuple[int, str, float]]) -> None:
        """Set hyper-parameters, each (group, name, value); learning rates by the scheduler if there is one."""
        for group, name, value in changes:
            if self.scheduler is None or name != "lr":
                self._set(group, name, value)
        rates = {group: value for group, name, value in changes if name == "lr"}
        if self.scheduler is not None and rates:
            self.scheduler.set_rates(rates)

    def _set(self, group: int, name: str, value: float) -> None:
        adapter = self.adapter
        path = adapter.hyper[name] if adapter.settings is None else adapter.settings.get(name)
        if path is None:
            raise Malformed(f"{name}={value!r}, but it cannot be changed after construction")
        tensors = self.script.groups[group].tensors
        for index in tensors if adapter.takes == "tensor" or "[#]" in path else tensors[:1]:
            optimizer, location = self.owner(index)
            error = state_access.write(optimizer, path, value, location)
            if error is not None:
                raise Malformed(f"{name}: {error}")


def trained(optimizer: Any) -> Any:
    """Return ``optimizer`` after its ``train()``, which some need before a step, as those without a schedule."""
    train = getattr(optimizer, "train", None)
    if callable(train):
        train()
    return optimizer
