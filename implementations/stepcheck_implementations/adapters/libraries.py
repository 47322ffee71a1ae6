"""Libraries whose optimizers have adapters of their own: one module each, and one line in ``ALL``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepcheck_implementations.adapters import (
    optax,
    pytorch_optimizer,
    timm_optim,
    torch_arithmetic,
    torch_optim,
    torchao_optim,
)
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_reference.oracle.arithmetic import Arithmetic


@dataclass(frozen=True, slots=True)
class Library:
    """A module of adapters; ``arithmetic_of(mode, dtype, device, target)`` is what they declare.

    ``distributions`` are those besides torch whose releases a report states; the first is its optional dependency.
    """

    name: str
    adapters: tuple[Adapter, ...]
    arithmetic_of: Callable[[str, str, str, str], Arithmetic]
    distributions: tuple[str, ...] = ()


ALL: tuple[Library, ...] = (
    Library("torch.optim", torch_optim.ALL, torch_arithmetic.arithmetic_of),
    Library("optax", optax.ALL, optax.arithmetic_of, ("optax", "jax", "jaxlib")),
    Library("pytorch_optimizer", pytorch_optimizer.ALL, pytorch_optimizer.arithmetic_of, ("pytorch-optimizer",)),
    Library("timm.optim", timm_optim.ALL, timm_optim.arithmetic_of, ("timm",)),
    Library("torchao.optim", torchao_optim.ALL, torchao_optim.arithmetic_of, ("torchao",)),
)
"""Every library, in the order targets are looked up."""


def find(target: str) -> Adapter | None:
    """Return the adapter of ``target``, or ``None`` where no library has one."""
    return next((adapter for library in ALL for adapter in library.adapters if adapter.target == target), None)


def members(target: str) -> tuple[Adapter, ...]:
    """Return every adapter of the library named ``target`` ("torch.optim"); empty where there is none."""
    return next((library.adapters for library in ALL if library.name == target), ())


def distributions(target: str) -> tuple[str, ...]:
    """Return the distributions whose releases matter for ``target``, a library or a class of one."""
    owners = (library for library in ALL if target == library.name or target.startswith(f"{library.name}."))
    return next((library.distributions for library in owners), ())


def library_modes(adapter: Adapter) -> tuple[str, ...]:
    """Return the modes that any class of ``adapter``'s library has, in report order; else its own."""
    siblings = next((library.adapters for library in ALL if adapter in library.adapters), (adapter,))
    return tuple(mode for mode in MODES if any(mode in entry.modes for entry in siblings))


def arithmetic_of(cell: Cell, dtype: str) -> Arithmetic:
    """Return the arithmetic that ``cell``'s library declares for ``dtype``; raises KeyError where there is none."""
    for library in ALL:
        if any(adapter.target == cell.target for adapter in library.adapters):
            return library.arithmetic_of(cell.mode, dtype, cell.device, cell.target)
    raise KeyError(cell.target)
