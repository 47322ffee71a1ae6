"""Scripts and cells for these tests, short to write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_reference.scripts.script import Data, Drawn, Group, Script, Step, Tensor

ADAM = {"lr": 0.0123, "beta1": 0.87, "beta2": 0.97, "eps": 1e-6, "weight_decay": 0.031}
EVERY = {
    **ADAM,
    "momentum": 0.81,
    "dampening": 0.27,
    "momentum_decay": 0.01,
    "rho": 0.87,
    "lr_decay": 0.3,
    "initial_accumulator": 0.21,
    "lambd": 0.017,
    "alpha": 0.7,
    "t0": 2.0,
    "eta_minus": 0.4,
    "eta_plus": 1.3,
    "step_min": 0.01,
    "step_max": 0.02,
}
"""A value of each hyper-parameter of torch.optim's classes, none of them a default."""

MISBEHAVING = Path(__file__).parent / "subjects" / "misbehaving.py"


def hyper_of(adapter: Adapter, configuration: str) -> dict[str, float]:
    """Return hyper-parameters for a configuration, those it holds left out."""
    fixed_hyper = adapter.configuration(configuration).fixed_hyper
    return {name: EVERY[name] for name in adapter.hyper if name not in fixed_hyper}


def script_of(
    hyper: Mapping[str, float],
    *,
    dtype: str = "float32",
    shapes: tuple[tuple[int, ...], ...] = ((3,), (2, 4)),
    layout: str = "contiguous",
    steps: int = 4,
) -> Script:
    """Return a script of one group and drawn gradients."""
    tensors = tuple(Tensor(shape, dtype, Drawn("normal", 7 + i), layout) for i, shape in enumerate(shapes))
    return Script(
        tensors,
        (Group(tuple(range(len(tensors))), hyper),),
        tuple(Step(tuple(gradient(s, i) for i in range(len(tensors)))) for s in range(steps)),
    )


def gradient(step: int, tensor: int) -> Data:
    """Return the gradient of ``tensor`` at ``step``."""
    return Drawn("normal", 1000 * step + tensor)


def cell(adapter: Adapter, configuration: str = "default", mode: str = "single", dtype: str = "float32") -> Cell:
    """Return a cell on the CPU."""
    return Cell(adapter.target, configuration, mode, dtype, "cpu")


def misbehaving(name: str) -> Adapter:
    """Return the adapter of a class in ``subjects/misbehaving.py``."""
    return Adapter(
        target=f"{MISBEHAVING}:{name}",
        rule="sgd",
        hyper={"lr": "lr"},
        states={"b": "momentum_buffer"},
        modes={"single": {}},
        count=None,
    )
