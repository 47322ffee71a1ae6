"""Schedules as recorded sequences: a recipe (``scheduler_recipes``) run with this torch's scheduler."""

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
from stepcheck_implementations.recorder.api import static_api
from stepcheck_implementations.recorder.captured_warnings import captured_warnings, count_lines, stable_error
from stepcheck_implementations.recorder.json_values import to_json_value

_MODULES = (lr_scheduler, swa_utils)

Arrays = dict[str, NDArray[np.float64]]


def schedulers() -> list[str]:
    """Return the qualified name of every public scheduler class of this torch, in alphabetical order."""
    return sorted(
        f"{module.__name__}.{name}"
        for module in _MODULES
        for name in module.__all__
        if isinstance(entry := getattr(module, name), type) and issubclass(entry, LRScheduler) and entry != LRScheduler
    )


def scheduler_api(name: str) -> dict[str, Any]:
    """Return the signature, bases and members of the scheduler class ``name``; see ``static_api``.

    Raises TargetError where this torch has none of that name.
    """
    return static_api(load(name))


def schedule(recipe: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return what the scheduler of ``recipe`` does: facts as JSON values, and float64 arrays by name.

    "lr" has a row for the construction and one a step, and a column a group; so have "last_lr" (nan where that raises),
    "closed" (the closed form, where there is one), and "momentum" or "beta1" where the recipe's optimizer has any.
    "jumped" has a row for each of the recipe's jumps. "resumed" has the rows of "lr" from half way on, of a fresh
    scheduler and optimizer that loaded the state of then.

    Facts are "state" (the scheduler's state at the end) and "groups" (what each of the optimizer's groups then has that
    is not the optimizer's); "continues", whether "resumed" has the bits of "lr"; "warnings", by run, each with how
    often; and "raised", by run, the place and the error. A class that is not there leaves {"absent": why}.
    """
    missing = _absence(recipe)
    if missing:
        return {"absent": missing}, {}
    facts: dict[str, Any] = {"warnings": {}, "raised": {}}
    arrays: Arrays = {}
    for name, run in (("driven", _drive), ("jumped", _jump), ("resumed", _resume)):
        with captured_warnings() as raised:
            run(recipe, facts, arrays)
        if raised:
            facts["warnings"][name] = count_lines(raised)
    return facts, arrays


def _absence(recipe: Mapping[str, Any]) -> str:
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


def _function(spec: Mapping[str, Any]) -> Callable[[Any], float]:
    """Return the function of an epoch that ``spec`` names; see ``scheduler_recipes.FUNCTIONS``."""
    name = spec["function"]
    at, of, over, to = (spec.get(key) for key in ("at", "of", "over", "to"))
    functions: Mapping[str, Callable[[Any], Any]] = {
        "power": lambda epoch: of**epoch,
        "inverse": lambda epoch: 1.0 / (epoch + 1),
        "warmup": lambda epoch: min(1.0, (epoch + 1) / over),
        "drop": lambda epoch: to if epoch >= at else 1.0,
        "constant": lambda epoch: at,
    }
    function = functions[name]
    parameters = {key: value for key, value in spec.items() if key not in ("function", "object")}
    return _Factor(function, parameters) if spec.get("object") else function


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
    spec = recipe["optimizer"]
    kind = getattr(torch.optim, spec["name"])
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in recipe["groups"]]
    optimizer: torch.optim.Optimizer = kind(groups, lr=1.0, **spec["arguments"])
    return optimizer


def _rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def _momenta(optimizer: torch.optim.Optimizer) -> tuple[str, list[float]]:
    """Return the name of the optimizer's momentum, and its value in each group."""
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
        facts["raised"].setdefault("last_lr", stable_error(error))
        return [float("nan")] * width


def _drive(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record a run from construction to the last step, and the scheduler's closed form at each."""
    optimizer = _optimizer(recipe)
    width = len(optimizer.param_groups)
    lr, last, closed, momenta = [], [], [], []
    name = _momenta(optimizer)[0]
    stage = "construction"
    scheduler: Any = None
    try:
        scheduler = _scheduler(recipe, optimizer)
        form = getattr(scheduler, "_get_closed_form_lr", None)
        for step in range(recipe["steps"] + 1):
            if step:
                stage = f"step {step}"
                _advance(recipe, optimizer, scheduler, step - 1)
            lr.append(_rates(optimizer))
            last.append(_last(scheduler, width, facts))
            momenta.append(_momenta(optimizer)[1])
            if form is not None:
                closed.append(_closed(form, width, facts, step))
    except Exception as error:
        facts["raised"]["driven"] = {"at": stage, "error": stable_error(error)}
    arrays["lr"], arrays["last_lr"] = _rows(lr, width), _rows(last, width)
    if closed:
        arrays["closed"] = _rows(closed, width)
    if recipe["optimizer"]["arguments"].get("momentum") or name == "beta1":
        arrays[name] = _rows(momenta, width)
    own = {"params", *optimizer.defaults}
    facts["groups"] = [
        {str(key): to_json_value(value) for key, value in group.items() if key not in own}
        for group in optimizer.param_groups
    ]
    if scheduler is not None:
        facts["state"] = to_json_value(scheduler.state_dict())


def _closed(form: Callable[[], Any], width: int, facts: dict[str, Any], step: int) -> list[float]:
    try:
        return [float(rate) for rate in form()]
    except Exception as error:
        facts["raised"].setdefault("closed", {"at": f"step {step}", "error": stable_error(error)})
        return [float("nan")] * width


def _jump(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record the rates after ``step(epoch)`` for each of the recipe's jumps in turn."""
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
            facts["raised"]["jumped"] = {"at": f"step({epoch})", "error": stable_error(error)}
            break
        rows.append(_rates(optimizer))
    arrays["jumped"] = _rows(rows, len(optimizer.param_groups))


def _resume(recipe: Mapping[str, Any], facts: dict[str, Any], arrays: Arrays) -> None:
    """Record the second half of a run that is saved half way and resumed in a fresh scheduler and optimizer."""
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
        facts["raised"]["resumed"] = {"at": f"step {middle + len(rows)}", "error": stable_error(error)}
    arrays["resumed"] = _rows(rows, width)
    facts["continues"] = arrays["resumed"].tobytes() == arrays["lr"][middle:].tobytes()
