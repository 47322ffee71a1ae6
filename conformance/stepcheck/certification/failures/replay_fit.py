"""Whether a script fits the cell that a token runs it in: its hyper-parameters, modes and gradients."""

from __future__ import annotations

from stepcheck.certification.plan import Planned
from stepcheck.certification.request import WrongRequest
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.suggest import unknown


def check_fit(adapter: Adapter, planned: Planned, script: Script) -> None:
    """Raise WrongRequest where ``script`` is for another subject or rule than those of ``planned``."""
    cell, rule = planned.cell, planned.rule
    assert rule is not None
    names = [symbol.name for symbol in rule.hyper]
    accepted = dict.fromkeys((*names, *adapter.hyper))
    changes = [(group, name) for step in script.steps for group, name, _ in step.hyper]
    for number, group in enumerate(script.groups):
        for name in dict.fromkeys((*group.hyper, *(name for changed, name in changes if changed == number))):
            if name not in accepted:
                raise WrongRequest(unknown("token: a hyper-parameter", name[:60], accepted))
            fixed = planned.fixed_hyper.get(name)
            if name not in adapter.hyper and group.hyper.get(name) != fixed:
                held = f"holds it at {fixed!r}" if fixed is not None else "does not take it"
                raise WrongRequest(f"token sets {name}={group.hyper.get(name)!r}, but {cell.target} {held}")
        if missing := [name for name in names if name not in group.hyper]:
            raise WrongRequest(f"token gives group {number} no {missing[0]}, but {rule.name} needs {', '.join(names)}")
    for group_number, name in changes:
        if name not in adapter.hyper:
            raise WrongRequest(f"token changes {name} of group {group_number}, but {cell.target} does not take it")
    if modes := [step.into for step in script.steps if step.into and step.into not in adapter.modes]:
        raise WrongRequest(unknown("token: into", modes[0][:60], adapter.modes))
    by_closure = script.objective is not None and script.objective.by_closure
    if needs_objective(rule) != by_closure:
        takes = "evaluates an objective, which the token lacks" if not by_closure else "takes gradients, no objective"
        raise WrongRequest(f"token does not fit: {rule.name} {takes}")
