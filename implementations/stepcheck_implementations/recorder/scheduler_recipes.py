"""Schedules to record: each class of ``torch.optim.lr_scheduler`` and ``swa_utils.SWALR`` in several settings, as data.

A recipe is JSON values: "name"; "target" and "settings" of the scheduler; "steps" to take; "optimizer" (a name of
``torch.optim`` and its arguments); "groups" (the entries of each parameter group, "lr" among them); "jumps", epochs
that ``step`` is given one after another in a run of its own; and, where ``step`` takes a metric, "metrics", one a step
("nan" in words). A setting that is {"function": name, ...} is a function of the epoch (see ``FUNCTIONS``), an entry of
"schedulers" a target with settings of its own.
"""

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


def _nested(scheduler: str, **settings: Any) -> dict[str, Any]:
    return {"target": _target(scheduler), "settings": settings}


def _recipe(scheduler: str, words: str, beside: Mapping[str, Any] | None = None, /, **settings: Any) -> Recipe:
    """Return a recipe; ``beside`` holds what is not as most recipes have it."""
    return {
        "name": f"{scheduler}, {words}",
        "steps": 14,
        "optimizer": dict(_SGD),
        "groups": [dict(group) for group in _GROUPS],
        "jumps": list(_JUMPS),
        **_nested(scheduler, **settings),
        **(beside or {}),
    }


def _function(name: str, **parameters: Any) -> dict[str, Any]:
    return {"function": name, **parameters}


def _groups(*rates: tuple[float, float]) -> list[dict[str, float]]:
    """Return the groups of a resumed optimizer: a rate now and an initial rate each."""
    return [{"lr": now, "initial_lr": initial} for now, initial in rates]


def _long(steps: int, **beside: Any) -> dict[str, Any]:
    return {"steps": steps, **beside}


_RESUMED = {"groups": _groups((0.05, 0.1), (0.0015, 0.003))}
"""A resumed optimizer whose rates are half of what they started at, in binary, too."""
_PLATEAU = [
    1.0,
    0.9,
    0.9,
    0.95,
    0.9,
    0.91,
    0.92,
    0.93,
    0.9,
    0.89,
    0.89,
    0.89,
    0.89,
    0.89,
    "nan",
    0.5,
    0.5,
    0.5,
    0.5,
    0.5,
]
_METRICS = {"steps": len(_PLATEAU), "metrics": _PLATEAU, "jumps": []}
_CYCLE = {"steps": 24, "optimizer": dict(_MOMENTUM), "jumps": []}
_ADAM_CYCLE = {**_CYCLE, "optimizer": dict(_ADAM)}
_PLAIN_CYCLE = {**_CYCLE, "optimizer": dict(_SGD)}
_NO_JUMPS: Mapping[str, Any] = {"jumps": []}

_MULTIPLYING: tuple[Recipe, ...] = (
    _recipe("LambdaLR", "a power", lr_lambda=_function("power", of=0.95)),
    _recipe("LambdaLR", "one function a group", lr_lambda=[_function("inverse"), _function("warmup", over=6)]),
    _recipe("LambdaLR", "an object with state", lr_lambda=_function("power", of=0.9, object=True)),
    _recipe("LambdaLR", "resumed", _RESUMED, lr_lambda=_function("drop", at=5, to=0.25), last_epoch=3),
    _recipe("LambdaLR", "too few functions", lr_lambda=[_function("inverse")]),
    _recipe("MultiplicativeLR", "a constant", lr_lambda=_function("constant", at=0.95)),
    _recipe(
        "MultiplicativeLR", "one function a group", lr_lambda=[_function("inverse"), _function("drop", at=4, to=0.3)]
    ),
    _recipe("MultiplicativeLR", "resumed", _RESUMED, lr_lambda=_function("constant", at=0.7), last_epoch=3),
    _recipe("StepLR", "the default factor", step_size=3),
    _recipe("StepLR", "every step", step_size=1, gamma=0.9),
    _recipe("StepLR", "gamma 0", step_size=4, gamma=0.0),
    _recipe("StepLR", "gamma 1", step_size=2, gamma=1.0),
    _recipe("StepLR", "rising", step_size=2, gamma=1.3),
    _recipe("StepLR", "longer than the run", step_size=100, gamma=0.5),
    _recipe("StepLR", "resumed", _RESUMED, step_size=3, gamma=0.5, last_epoch=4),
    _recipe("StepLR", "resumed without initial rates", step_size=3, last_epoch=4),
    _recipe("StepLR", "step_size 0", step_size=0),
    _recipe("MultiStepLR", "two milestones", milestones=[3, 8], gamma=0.1),
    _recipe("MultiStepLR", "two milestones at one step", milestones=[4, 4, 9], gamma=0.3),
    _recipe("MultiStepLR", "milestones out of order, one at 0", milestones=[9, 0, 5], gamma=0.7),
    _recipe("MultiStepLR", "no milestones", milestones=[], gamma=0.5),
    _recipe("MultiStepLR", "gamma 0", milestones=[6], gamma=0.0),
    _recipe("MultiStepLR", "resumed", _RESUMED, milestones=[2, 7], gamma=0.5, last_epoch=3),
    _recipe("ConstantLR", "by default"),
    _recipe("ConstantLR", "a tenth", factor=0.1, total_iters=6),
    _recipe("ConstantLR", "factor 1", factor=1.0, total_iters=3),
    _recipe("ConstantLR", "factor 0", factor=0.0, total_iters=4),
    _recipe("ConstantLR", "total_iters 0", factor=0.5, total_iters=0),
    _recipe("ConstantLR", "total_iters beyond the run", factor=0.3, total_iters=100),
    _recipe("ConstantLR", "factor above 1", factor=1.5),
    _recipe("ConstantLR", "resumed", _RESUMED, factor=0.5, total_iters=7, last_epoch=3),
    _recipe("LinearLR", "by default"),
    _recipe("LinearLR", "a long warm-up", _long(30), start_factor=0.001, total_iters=25),
    _recipe("LinearLR", "down to a tenth", start_factor=1.0, end_factor=0.1, total_iters=10),
    _recipe("LinearLR", "down to 0", start_factor=0.7, end_factor=0.0, total_iters=7),
    _recipe("LinearLR", "total_iters 1", start_factor=0.3, total_iters=1),
    _recipe("LinearLR", "total_iters 0", start_factor=0.5, total_iters=0),
    _recipe("LinearLR", "start_factor 0", start_factor=0.0),
    _recipe("LinearLR", "resumed", _RESUMED, start_factor=0.25, total_iters=9, last_epoch=3),
    _recipe("ExponentialLR", "falling", gamma=0.9),
    _recipe("ExponentialLR", "gamma 0", gamma=0.0),
    _recipe("ExponentialLR", "gamma 1", gamma=1.0),
    _recipe("ExponentialLR", "rising", gamma=1.1),
    _recipe("ExponentialLR", "many steps", _long(200), gamma=0.97),
    _recipe("ExponentialLR", "resumed", _RESUMED, gamma=0.5, last_epoch=1),
    _recipe("PolynomialLR", "by default"),
    _recipe("PolynomialLR", "squared", total_iters=10, power=2.0),
    _recipe("PolynomialLR", "a root", total_iters=9, power=0.5),
    _recipe("PolynomialLR", "power 0", total_iters=6, power=0.0),
    _recipe("PolynomialLR", "total_iters 1", total_iters=1, power=0.9),
    _recipe("PolynomialLR", "total_iters 0", total_iters=0),
    _recipe("PolynomialLR", "total_iters beyond the run", total_iters=100, power=0.9),
    _recipe("PolynomialLR", "resumed", _RESUMED, total_iters=8, power=1.0, last_epoch=4),
)

_ANNEALING: tuple[Recipe, ...] = (
    _recipe("CosineAnnealingLR", "past its end", T_max=10),
    _recipe("CosineAnnealingLR", "down to eta_min", T_max=12, eta_min=0.0007),
    _recipe("CosineAnnealingLR", "two periods", _long(30), T_max=7, eta_min=0.001),
    _recipe("CosineAnnealingLR", "T_max 1", T_max=1),
    _recipe("CosineAnnealingLR", "eta_min above a rate", T_max=8, eta_min=0.02),
    _recipe("CosineAnnealingLR", "many steps", _long(120), T_max=100),
    _recipe("CosineAnnealingLR", "T_max 0", T_max=0),
    _recipe("CosineAnnealingLR", "resumed", _RESUMED, T_max=6, last_epoch=3),
    _recipe("CosineAnnealingWarmRestarts", "one length", {"jumps": [1, 5, 3.5, 12, 0]}, T_0=5),
    _recipe("CosineAnnealingWarmRestarts", "T_mult 2", _long(32), T_0=3, T_mult=2, eta_min=0.001),
    _recipe(
        "CosineAnnealingWarmRestarts", "T_mult 3", {"steps": 30, "jumps": [2, 8, 27, 0.5, 26, 80]}, T_0=2, T_mult=3
    ),
    _recipe("CosineAnnealingWarmRestarts", "T_0 1", T_0=1),
    _recipe("CosineAnnealingWarmRestarts", "eta_min above a rate", T_0=4, eta_min=0.02),
    _recipe("CosineAnnealingWarmRestarts", "T_0 0", T_0=0),
    _recipe("CosineAnnealingWarmRestarts", "resumed", _RESUMED, T_0=5, last_epoch=3),
    _recipe("SWALR", "cosine", _NO_JUMPS, swa_lr=0.05),
    _recipe("SWALR", "linear", _NO_JUMPS, swa_lr=0.02, anneal_epochs=6, anneal_strategy="linear"),
    _recipe("SWALR", "one rate a group", _NO_JUMPS, swa_lr=[0.05, 0.0001], anneal_epochs=5),
    _recipe("SWALR", "no epochs to anneal", _NO_JUMPS, swa_lr=0.05, anneal_epochs=0),
    _recipe("SWALR", "linear, no epochs to anneal", _NO_JUMPS, swa_lr=0.05, anneal_epochs=0, anneal_strategy="linear"),
    _recipe("SWALR", "one epoch to anneal", _NO_JUMPS, swa_lr=0.05, anneal_epochs=1),
    _recipe("SWALR", "resumed", {**_RESUMED, **_NO_JUMPS}, swa_lr=0.01, anneal_epochs=8, last_epoch=3),
    _recipe("SWALR", "an unknown strategy", _NO_JUMPS, swa_lr=0.05, anneal_strategy="exp"),
)

_CYCLING: tuple[Recipe, ...] = (
    _recipe("CyclicLR", "triangular", _CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=5),
    _recipe(
        "CyclicLR", "triangular, up and down unlike", _CYCLE, base_lr=0.01, max_lr=0.1, step_size_up=3, step_size_down=7
    ),
    _recipe("CyclicLR", "triangular2", _CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4, mode="triangular2"),
    _recipe("CyclicLR", "exp_range", _CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4, mode="exp_range", gamma=0.97),
    _recipe(
        "CyclicLR",
        "rates and momentum a group",
        _CYCLE,
        base_lr=[0.001, 0.01],
        max_lr=[0.1, 0.05],
        step_size_up=6,
        base_momentum=[0.8, 0.7],
        max_momentum=[0.9, 0.95],
    ),
    _recipe(
        "CyclicLR",
        "a function of the cycle",
        _PLAIN_CYCLE,
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=4,
        scale_fn=_function("inverse"),
        cycle_momentum=False,
    ),
    _recipe(
        "CyclicLR",
        "a function of the iteration",
        _PLAIN_CYCLE,
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=4,
        scale_fn=_function("power", of=0.9),
        scale_mode="iterations",
        cycle_momentum=False,
    ),
    _recipe("CyclicLR", "Adam's beta1", _ADAM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4),
    _recipe("CyclicLR", "Adam without momentum", _ADAM_CYCLE, base_lr=0.001, max_lr=0.1, cycle_momentum=False),
    _recipe("CyclicLR", "step_size_up a fraction", _CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=2.5),
    _recipe("CyclicLR", "an unknown mode", _CYCLE, base_lr=0.001, max_lr=0.1, mode="square"),
    _recipe(
        "CyclicLR",
        "resumed",
        {**_CYCLE, "groups": _groups((0.04, 0.001), (0.04, 0.001))},
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=5,
        last_epoch=3,
    ),
    _recipe("OneCycleLR", "cosine", _CYCLE, max_lr=0.1, total_steps=24),
    _recipe("OneCycleLR", "linear", _CYCLE, max_lr=0.1, total_steps=24, anneal_strategy="linear"),
    _recipe("OneCycleLR", "three phases", _CYCLE, max_lr=0.1, total_steps=24, three_phase=True),
    _recipe(
        "OneCycleLR",
        "linear, three phases",
        _CYCLE,
        max_lr=0.1,
        total_steps=24,
        anneal_strategy="linear",
        three_phase=True,
    ),
    _recipe("OneCycleLR", "epochs and steps", _CYCLE, max_lr=[0.1, 0.02], epochs=4, steps_per_epoch=6),
    _recipe("OneCycleLR", "half way up", {**_CYCLE, "steps": 20}, max_lr=0.1, total_steps=20, pct_start=0.5),
    _recipe("OneCycleLR", "a start that rounds", {**_CYCLE, "steps": 30}, max_lr=0.1, total_steps=30, pct_start=0.7),
    _recipe("OneCycleLR", "factors", _CYCLE, max_lr=0.1, total_steps=24, div_factor=10.0, final_div_factor=100.0),
    _recipe(
        "OneCycleLR",
        "momentum a group",
        _CYCLE,
        max_lr=0.1,
        total_steps=24,
        base_momentum=[0.8, 0.7],
        max_momentum=[0.9, 0.95],
    ),
    _recipe("OneCycleLR", "Adam's beta1", _ADAM_CYCLE, max_lr=0.1, total_steps=24),
    _recipe("OneCycleLR", "without momentum", _PLAIN_CYCLE, max_lr=0.1, total_steps=24, cycle_momentum=False),
    _recipe("OneCycleLR", "more steps than it has", _CYCLE, max_lr=0.1, total_steps=12),
    _recipe("OneCycleLR", "no length", _CYCLE, max_lr=0.1),
    _recipe("OneCycleLR", "pct_start a whole number", _CYCLE, max_lr=0.1, total_steps=24, pct_start=1),
)

_WAITING: tuple[Recipe, ...] = (
    _recipe("ReduceLROnPlateau", "by default", _METRICS),
    _recipe("ReduceLROnPlateau", "patience 2", _METRICS, factor=0.5, patience=2),
    _recipe("ReduceLROnPlateau", "patience 0", _METRICS, factor=0.7, patience=0),
    _recipe("ReduceLROnPlateau", "a cooldown", _METRICS, factor=0.3, patience=1, cooldown=3),
    _recipe("ReduceLROnPlateau", "a least rate", _METRICS, factor=0.3, patience=0, min_lr=0.001),
    _recipe("ReduceLROnPlateau", "a least rate a group", _METRICS, factor=0.3, patience=0, min_lr=[0.01, 0.0001]),
    _recipe("ReduceLROnPlateau", "upwards", _METRICS, mode="max", factor=0.5, patience=2),
    _recipe(
        "ReduceLROnPlateau",
        "upwards by a margin",
        _METRICS,
        mode="max",
        threshold_mode="abs",
        threshold=0.05,
        factor=0.5,
        patience=1,
    ),
    _recipe(
        "ReduceLROnPlateau",
        "downwards by a margin",
        _METRICS,
        threshold_mode="abs",
        threshold=0.01,
        factor=0.5,
        patience=1,
    ),
    _recipe("ReduceLROnPlateau", "changes that are too small", _METRICS, factor=0.5, patience=0, eps=0.002),
    _recipe("ReduceLROnPlateau", "factor 0", _METRICS, factor=0.0, patience=3),
    _recipe("ReduceLROnPlateau", "factor 1", _METRICS, factor=1.0),
    _recipe("ReduceLROnPlateau", "too few least rates", _METRICS, min_lr=[0.1]),
)

_TOGETHER: tuple[Recipe, ...] = (
    _recipe(
        "SequentialLR",
        "warm-up, then exponential",
        _NO_JUMPS,
        schedulers=[_nested("LinearLR", start_factor=0.1, total_iters=4), _nested("ExponentialLR", gamma=0.9)],
        milestones=[5],
    ),
    _recipe(
        "SequentialLR",
        "constant, cosine, steps",
        _NO_JUMPS,
        schedulers=[
            _nested("ConstantLR", factor=0.1, total_iters=2),
            _nested("CosineAnnealingLR", T_max=5),
            _nested("StepLR", step_size=2, gamma=0.5),
        ],
        milestones=[2, 8],
    ),
    _recipe(
        "SequentialLR",
        "functions",
        _NO_JUMPS,
        schedulers=[
            _nested("LambdaLR", lr_lambda=_function("warmup", over=3)),
            _nested("PolynomialLR", total_iters=8, power=2.0),
        ],
        milestones=[4],
    ),
    _recipe(
        "SequentialLR",
        "a milestone at 0",
        _NO_JUMPS,
        schedulers=[_nested("ConstantLR", factor=0.5, total_iters=2), _nested("ExponentialLR", gamma=0.8)],
        milestones=[0],
    ),
    _recipe(
        "SequentialLR",
        "one scheduler",
        _NO_JUMPS,
        schedulers=[_nested("MultiStepLR", milestones=[2, 5], gamma=0.3)],
        milestones=[],
    ),
    _recipe(
        "SequentialLR",
        "warm restarts after a warm-up",
        {**_NO_JUMPS, "steps": 20},
        schedulers=[
            _nested("LinearLR", start_factor=0.2, total_iters=3),
            _nested("CosineAnnealingWarmRestarts", T_0=4, T_mult=2),
        ],
        milestones=[3],
    ),
    _recipe(
        "SequentialLR",
        "a takeover by what multiplies",
        _NO_JUMPS,
        schedulers=[
            _nested("ConstantLR", factor=0.5, total_iters=10),
            _nested("MultiplicativeLR", lr_lambda=_function("constant", at=0.9)),
        ],
        milestones=[4],
    ),
    _recipe(
        "SequentialLR",
        "sequences in a sequence",
        _NO_JUMPS,
        schedulers=[
            _nested(
                "SequentialLR",
                schedulers=[_nested("ConstantLR", factor=0.5, total_iters=2), _nested("ExponentialLR", gamma=0.9)],
                milestones=[2],
            ),
            _nested("StepLR", step_size=2, gamma=0.5),
        ],
        milestones=[6],
    ),
    _recipe(
        "SequentialLR",
        "too few milestones",
        _NO_JUMPS,
        schedulers=[_nested("ConstantLR"), _nested("ExponentialLR", gamma=0.9)],
        milestones=[],
    ),
    _recipe(
        "SequentialLR",
        "a plateau among them",
        _NO_JUMPS,
        schedulers=[_nested("ConstantLR"), _nested("ReduceLROnPlateau")],
        milestones=[3],
    ),
    _recipe("SequentialLR", "no schedulers", _NO_JUMPS, schedulers=[], milestones=[]),
    _recipe(
        "ChainedScheduler",
        "constant and exponential",
        _NO_JUMPS,
        schedulers=[_nested("ConstantLR", factor=0.1, total_iters=2), _nested("ExponentialLR", gamma=0.9)],
    ),
    _recipe(
        "ChainedScheduler",
        "warm-up and steps",
        _NO_JUMPS,
        schedulers=[
            _nested("LinearLR", start_factor=0.3, total_iters=5),
            _nested("MultiStepLR", milestones=[4, 8], gamma=0.5),
        ],
    ),
    _recipe(
        "ChainedScheduler",
        "polynomial, multiplied",
        _NO_JUMPS,
        schedulers=[
            _nested("PolynomialLR", total_iters=10, power=0.9),
            _nested("MultiplicativeLR", lr_lambda=_function("constant", at=0.95)),
        ],
    ),
    _recipe(
        "ChainedScheduler",
        "warm-up and cosine",
        _NO_JUMPS,
        schedulers=[_nested("LinearLR", start_factor=0.3, total_iters=4), _nested("CosineAnnealingLR", T_max=6)],
    ),
    _recipe("ChainedScheduler", "one scheduler", _NO_JUMPS, schedulers=[_nested("StepLR", step_size=3)]),
    _recipe(
        "ChainedScheduler",
        "a sequence in a chain",
        _NO_JUMPS,
        schedulers=[
            _nested(
                "SequentialLR",
                schedulers=[_nested("ConstantLR", factor=0.5, total_iters=2), _nested("ExponentialLR", gamma=0.9)],
                milestones=[3],
            ),
            _nested("StepLR", step_size=4, gamma=0.5),
        ],
    ),
    _recipe("ChainedScheduler", "no schedulers", _NO_JUMPS, schedulers=[]),
)

ALL: tuple[Recipe, ...] = (*_MULTIPLYING, *_ANNEALING, *_CYCLING, *_WAITING, *_TOGETHER)
"""Every recipe; names are unique."""
