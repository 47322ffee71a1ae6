"""How a recipe is written: what most recipes share, and the changes that several make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Recipe = Mapping[str, Any]

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "power": ("of",),
    "inverse": (),
    "warmup": ("over",),
    "drop": ("at", "to"),
    "constant": ("at",),
}
"""Functions of an epoch e, with their parameters: of**e, 1/(e + 1), min(1, (e + 1)/over), ``to`` from epoch ``at`` on
and 1 before, and ``at`` at every epoch. With "object" true it is an object with state instead of a function."""

_SCHEDULERS = "torch.optim.lr_scheduler"
_SGD: Mapping[str, Any] = {"name": "SGD", "arguments": {}}
_MOMENTUM: Mapping[str, Any] = {"name": "SGD", "arguments": {"momentum": 0.9}}
_ADAM: Mapping[str, Any] = {"name": "Adam", "arguments": {}}
_GROUPS: tuple[Mapping[str, Any], ...] = ({"lr": 0.1}, {"lr": 0.003})
_JUMPS = (1, 5, 3, 12, 0, 7)


def _target(scheduler: str) -> str:
    return f"torch.optim.swa_utils.{scheduler}" if scheduler == "SWALR" else f"{_SCHEDULERS}.{scheduler}"


def nested(scheduler: str, **settings: Any) -> dict[str, Any]:
    """Return a scheduler inside another one."""
    return {"target": _target(scheduler), "settings": settings}


def recipe(scheduler: str, title: str, changes: Mapping[str, Any] | None = None, /, **settings: Any) -> Recipe:
    """Return a recipe of ``scheduler`` with ``settings``; ``changes`` replace entries that most recipes have."""
    return {
        "name": f"{scheduler}, {title}",
        "steps": 14,
        "optimizer": dict(_SGD),
        "groups": [dict(group) for group in _GROUPS],
        "jumps": list(_JUMPS),
        **nested(scheduler, **settings),
        **(changes or {}),
    }


def function_of_epoch(name: str, **parameters: Any) -> dict[str, Any]:
    """Return a setting that is a function of the epoch; see ``FUNCTIONS``."""
    return {"function": name, **parameters}


def resumed_groups(*rates: tuple[float, float]) -> list[dict[str, float]]:
    """Return the groups of a resumed optimizer: a current and an initial rate each."""
    return [{"lr": now, "initial_lr": initial} for now, initial in rates]


def with_steps(steps: int) -> dict[str, Any]:
    """Return the change that makes a recipe ``steps`` long."""
    return {"steps": steps}


RESUMED = {"groups": resumed_groups((0.05, 0.1), (0.0015, 0.003))}
"""A resumed optimizer whose rates are exactly half of its initial rates."""
_LOSSES = [
    *(1.0, 0.9, 0.9, 0.95, 0.9, 0.91, 0.92, 0.93),
    *(0.9, 0.89, 0.89, 0.89, 0.89, 0.89, "nan", 0.5, 0.5, 0.5, 0.5, 0.5),
]
METRICS = {"steps": len(_LOSSES), "metrics": _LOSSES, "jumps": []}
MOMENTUM_CYCLE = {"steps": 24, "optimizer": dict(_MOMENTUM), "jumps": []}
ADAM_CYCLE = {**MOMENTUM_CYCLE, "optimizer": dict(_ADAM)}
SGD_CYCLE = {**MOMENTUM_CYCLE, "optimizer": dict(_SGD)}
NO_JUMPS: Mapping[str, Any] = {"jumps": []}
