"""torch.optim's optimizers that have no rule here: how to drive them, so that what they do can be recorded.

Data only; nothing here imports torch. Names and options are those of torch 2.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepcheck_implementations.adapters.adapter import Adapter, Configuration

_FOREACH: Mapping[str, Mapping[str, object]] = {"single": {"foreach": False}, "foreach": {"foreach": True}}
_ONE: Mapping[str, Mapping[str, object]] = {"single": {}}
_UP = Configuration("maximize", {"maximize": True})


@dataclass(frozen=True, slots=True)
class RecordOnly:
    """An optimizer without a rule, and what it can be given.

    ``shapes`` are those of its parameters; ``hyper`` holds the hyper-parameters of each group by the adapter's names.
    ``variant`` is one of ``INVOCATIONS`` that every script has, "" for none; what ``needs_objective`` is called with a
    closure.
    """

    adapter: Adapter
    shapes: tuple[tuple[int, ...], ...] = ((6,), (3, 4), (), (2, 3, 2))
    hyper: tuple[Mapping[str, float], ...] = field(default_factory=lambda: ({},))
    variant: str = ""
    needs_objective: bool = False


ADAFACTOR = RecordOnly(
    Adapter(
        target="torch.optim.Adafactor",
        rule=None,
        hyper={"lr": "lr", "beta2_decay": "beta2_decay", "clip": "d", "weight_decay": "weight_decay"},
        states={},
        modes=_FOREACH,
        configurations=(Configuration("default"), _UP),
        declared=True,
    ),
    hyper=({"lr": 0.01}, {"lr": 0.1, "beta2_decay": -0.5, "clip": 0.5, "weight_decay": 0.1}),
)

MUON = RecordOnly(
    Adapter(
        target="torch.optim.Muon",
        rule=None,
        hyper={"lr": "lr", "momentum": "momentum", "weight_decay": "weight_decay"},
        states={"b": "momentum_buffer"},
        modes=_ONE,
        configurations=(
            Configuration("default"),
            Configuration("plain momentum", {"nesterov": False}),
            Configuration("match_rms_adamw", {"adjust_lr_fn": "match_rms_adamw"}),
        ),
        count=None,
        declared=True,
    ),
    shapes=((3, 4), (5, 2), (1, 6)),
    hyper=({"lr": 0.02}, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.01}),
)

SPARSE_ADAM = RecordOnly(
    Adapter(
        target="torch.optim.SparseAdam",
        rule=None,
        hyper={"lr": "lr", "beta1": "betas[0]", "beta2": "betas[1]", "eps": "eps"},
        states={"m": "exp_avg", "v": "exp_avg_sq"},
        modes=_ONE,
        configurations=(Configuration("default"), _UP),
        declared=True,
    ),
    shapes=((6, 3), (4, 5)),
    hyper=({"lr": 0.01}, {"lr": 0.1, "beta1": 0.5, "beta2": 0.75, "eps": 0.01}),
    variant="sparse",
)

LBFGS = RecordOnly(
    Adapter(
        target="torch.optim.LBFGS",
        rule=None,
        hyper={"lr": "lr"},
        states={},
        modes=_ONE,
        configurations=(
            Configuration("default", {"max_iter": 4}),
            Configuration("strong_wolfe", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
            Configuration("short history", {"max_iter": 6, "history_size": 2}),
        ),
        count=None,
        declared=True,
    ),
    hyper=({"lr": 0.5},),
    needs_objective=True,
)

ALL: tuple[RecordOnly, ...] = (ADAFACTOR, LBFGS, MUON, SPARSE_ADAM)


def find(target: str) -> RecordOnly | None:
    """Return the entry of ``target``, or ``None`` where this file has none."""
    return next((entry for entry in ALL if entry.adapter.target == target), None)
