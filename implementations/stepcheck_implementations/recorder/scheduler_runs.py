"""Schedules as recorded sequences: a recipe (``schedule_recipes``) driven through this torch's scheduler."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import lr_scheduler, swa_utils
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.recorder.api import described
from stepcheck_implementations.recorder.captured_warnings import captured_warnings, counted, stable_text
from stepcheck_implementations.recorder.json_values import plain

_MODULES = (lr_scheduler, swa_utils)

Arrays = dict[str, NDArray[np.float64]]
Build = Callable[[], tuple[torch.optim.Optimizer, Any]]


def schedulers() -> list[str]:
    """Return the qualified name of every public scheduler class of this torch, in alphabetical order."""
    return sorted(
        f"{module.__name__}.{name}"
        for module in _MODULES
        for name in module.__all__
        if isinstance(entry := getattr(module, name), type) and issubclass(entry, LRScheduler) and entry != LRScheduler
    )


def scheduler_api(name: str) -> dict[str, Any]:
    """Return the signature, bases and members of the scheduler class ``name``; see ``surface.described``.

    Raises TargetError where this torch has none of that name.
    """
    return described(load(name))


def schedule(recipe: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return what the scheduler of ``recipe`` does: facts as JSON values, and float64 arrays by name.

    "lr" has a row for the construction and one a step, and a column a group; so have "last_lr" (nan where it cannot be
    asked), "closed" (the closed form, where there is one), and "momentum" or "beta1" where the recipe's optimizer has
    any. "jumped" has a row for each of the recipe's jumps. "resumed" has the rows of "lr" from half way on, as a fresh
    scheduler and optimizer go on that were given the state of then.

    Facts are "state" (the scheduler's state at the end) and "groups" (what each of the optimizer's groups then has that
    is not the optimizer's); "continues", whether "resumed" has the bits of "lr"; "warnings", by run, each with how
    often; and "raised", by run, the place and the error. A class that is not there leaves {"absent": why}.
    """
    missing = _absent(recipe)
    if missing:
        return {"absent": missing}, {}
    facts: dict[str, Any] = {"warnings": {}, "raised": {}}
    arrays: Arrays = {}
    for name, run in (("driven", _drive), ("jumped", _jump), ("resumed", _resume)):
        with captured_warnings() as heard:
            run(recipe, facts, arrays)
        if heard:
            facts["warnings"][name] = counted(heard)
    return facts, arrays


def _absent(recipe: Mapping[str, Any]) -> str:
    for target in _targets(recipe):
        try:
            load(target)
        except TargetError:
            return f"torch {torch.__version__} has no {target}"
    return ""


def _targets(recipe: Mapping[str, Any]) -> list[str]:
    nested = recipe["settings"].get("schedulers", ())
    return [recipe["target"], *(target for entry in nested for target in _targets(entry))]


class _Factor:
    """A factor of a learning rate as an object, whose attributes a scheduler's state holds."""

    def __init__(self, function: Callable[[Any], float], parameters: Mapping[str, float]) -> None:
        self._function = function
        self.__dict__.update(parameters)

    def __call__(self, epoch: Any) -> float:
        return self._function(epoch)


def _function(told: Mapping[str, Any]) -> Callable[[Any], float]:
    """Return the function of an epoch that ``told`` names; see ``schedule_recipes.FUNCTIONS``."""
    name = told["function"]
    at, of, over, to = (told.get(key) for key in ("at", "of", "over", "to"))
    functions: Mapping[str, Callable[[Any], Any]] = {
        "power": lambda epoch: of**epoch,
        "inverse": lambda epoch: 1.0 / (epoch + 1),
        "warmup": lambda epoch: min(1.0, (epoch + 1) / over),
        "drop": lambda epoch: to if epoch >= at else 1.0,
        "constant": lambda epoch: at,
    }
    found = functions[name]
    parameters = {key: value for key, value in told.items() if key not in ("function", "object")}
    return _Factor(found, parameters) if told.get("object") else found


def _setting(value: Any, optimizer: torch.optim.Optimizer) -> Any:
    if isinstance(value, Mapping):
        return _scheduler(value, optimizer) if "target" in value else _function(value)
    return [_setting(entry, optimizer) for entry in value] if isinstance(value, list) else value


def _scheduler(recipe: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> Any:
    settings = {name: _setting(value, optimizer) for name, value in recipe["settings"].items()}
    kind: Any = load(recipe["target"])
    return kind(settings.pop("schedulers"), **settings) if _is_chain(kind) else kind(optimizer, **settings)


def _is_chain(kind: Any) -> bool:
    return kind is lr_scheduler.ChainedScheduler


def _optimizer(recipe: Mapping[str, Any]) -> torch.optim.Optimizer:
    told = recipe["optimizer"]
    kind = getattr(torch.optim, told["name"])
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in recipe["groups"]]
    made: torch.optim.Optimizer = kind(groups, lr=1.0, **told["arguments"])
    return made


def _rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def _momenta(optimizer: torch.optim.Optimizer) -> tuple[str, list[float]]:
    """Return what the optimizer's momentum is called, and its value in each group."""
    groups = optimizer.param_groups
    if "betas" in groups[0]:
        return "beta1", [float(group["betas"][0]) for group in groups]
    return "momentum", [float(group.get("momentum", 0.0)) for group in groups]


def _advance(recipe: Mapping[str, Any], optimizer: torch.optim.Optimizer, scheduler: Any, step: int) -> None:
    optimizer.step()
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(float(recipe["metrics"][step]))
    else:
        scheduler.step()


def _rows(rows: Sequence[Sequence[float]], width: int) -> NDArray[np.float64]:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _last(scheduler: Any, width: int, facts: dict[str, Any]) -> list[float]:
    try:
        return [float(rate) for rate in scheduler.get_last_lr()]
    except Exception as error:
        facts["raised"].setdefault("last_lr", stable_text(error))
        return [float("nan")] * width


def _drive(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record a run from construction to the last step, and its closed form beside it."""
    optimizer = _optimizer(recipe)
    width = len(optimizer.param_groups)
    lr, last, closed, momenta = [], [], [], []
    name = _momenta(optimizer)[0]
    place = "construction"
    scheduler: Any = None
    try:
        scheduler = _scheduler(recipe, optimizer)
        form = getattr(scheduler, "_get_closed_form_lr", None)
        for step in range(recipe["steps"] + 1):
            if step:
                place = f"step {step}"
                _advance(recipe, optimizer, scheduler, step - 1)
            lr.append(_rates(optimizer))
            last.append(_last(scheduler, width, facts))
            momenta.append(_momenta(optimizer)[1])
            if form is not None:
                closed.append(_closed(form, width, facts, step))
    except Exception as error:
        facts["raised"]["driven"] = {"at": place, "error": stable_text(error)}
    arrays["lr"], arrays["last_lr"] = _rows(lr, width), _rows(last, width)
    if closed:
        arrays["closed"] = _rows(closed, width)
    if recipe["optimizer"]["arguments"].get("momentum") or name == "beta1":
        arrays[name] = _rows(momenta, width)
    own = {"params", *optimizer.defaults}
    facts["groups"] = [
        {str(key): plain(value) for key, value in group.items() if key not in own} for group in optimizer.param_groups
    ]
    if scheduler is not None:
        facts["state"] = plain(scheduler.state_dict())


def _closed(form: Callable[[], Any], width: int, facts: dict[str, Any], step: int) -> list[float]:
    try:
        return [float(rate) for rate in form()]
    except Exception as error:
        facts["raised"].setdefault("closed", {"at": f"step {step}", "error": stable_text(error)})
        return [float("nan")] * width


def _jump(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record the rates after ``step(epoch)`` for each of the recipe's jumps, one after another."""
    if not recipe["jumps"] or "driven" in facts["raised"]:
        return
    optimizer = _optimizer(recipe)
    scheduler = _scheduler(recipe, optimizer)
    rows: list[list[float]] = []
    for epoch in recipe["jumps"]:
        try:
            optimizer.step()
            scheduler.step(epoch)
        except Exception as error:
            facts["raised"]["jumped"] = {"at": f"step({epoch})", "error": stable_text(error)}
            break
        rows.append(_rates(optimizer))
    arrays["jumped"] = _rows(rows, len(optimizer.param_groups))


def _resume(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record the second half of a run that is saved half way and goes on in a fresh scheduler and optimizer."""
    if "driven" in facts["raised"]:
        return
    middle = recipe["steps"] // 2
    optimizer = _optimizer(recipe)
    scheduler = _scheduler(recipe, optimizer)
    for step in range(middle):
        _advance(recipe, optimizer, scheduler, step)
    rows: list[list[float]] = []
    width = len(optimizer.param_groups)
    try:
        saved = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(scheduler.state_dict())
        optimizer = _optimizer(recipe)
        scheduler = _scheduler(recipe, optimizer)
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        rows.append(_rates(optimizer))
        for step in range(middle, recipe["steps"]):
            _advance(recipe, optimizer, scheduler, step)
            rows.append(_rates(optimizer))
    except Exception as error:
        facts["raised"]["resumed"] = {"at": f"step {middle + len(rows)}", "error": stable_text(error)}
    arrays["resumed"] = _rows(rows, width)
    facts["continues"] = arrays["resumed"].tobytes() == arrays["lr"][middle:].tobytes()
