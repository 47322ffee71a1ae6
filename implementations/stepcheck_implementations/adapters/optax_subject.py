"""optax transformations as objects with ``step()`` over torch tensors; JAX is imported only where one is built.

Numbers cross exactly, through numpy. What JAX does by default is left as it is: 64-bit types are enabled for float64
parameters alone, because they change what JAX computes for narrower ones beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import torch
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import Adapter

NEGATED = "negated_"
"""What stands before the name of a field that is wanted with the other sign, which is exact."""


@dataclass(slots=True)
class _Tree:
    """Tensors, by their place in the list, that are stepped together as one tree with one state.

    ``wide`` says that they are float64.
    """

    places: list[int]
    wide: bool
    state: Any


class Driven:
    """One optax transformation over a list of torch tensors, and what it holds in attributes of its own names.

    A transformation counts steps for a whole tree, and no gradient may be missing from it. So a tree is split
    where some of its tensors have a gradient and others have none: each part keeps the state it had. A state named
    "negated_trace" is the negative of ``trace``. Hyper-parameters are attributes too; after a change the transformation
    is built anew and keeps its state.
    """

    def __init__(
        self,
        transformation: Callable[..., Any],
        adapter: Adapter,
        parameters: list[torch.Tensor],
        *,
        jit: bool = False,
        **arguments: Any,
    ) -> None:
        self.__dict__.update(arguments)
        self._arguments = tuple(arguments)
        self._transformation, self._jit, self._parameters = transformation, jit, parameters
        self._names = [*adapter.states.values(), *([adapter.count] if adapter.count else [])]
        self._trees = []
        for wide in (False, True):
            places = [n for n, p in enumerate(parameters) if (p.dtype in (torch.float64, torch.complex128)) is wide]
            if places:
                with _precision(wide):
                    state = self._built().init([_to_jax(parameters[place]) for place in places])
                self._trees.append(_Tree(places, wide, state))
        self._show()

    def step(self) -> None:
        """Update every tensor that has a gradient."""
        self._trees = [part for tree in self._trees for part in self._parts(tree)]
        update = _update(self._transformation, self._jit, self._hyper())
        for tree in self._trees:
            tensors = [self._parameters[place] for place in tree.places]
            if any(tensor.grad is None for tensor in tensors):
                continue
            with _precision(tree.wide):
                before = [_to_jax(tensor) for tensor in tensors]
                after, tree.state = update([_to_jax(_gradient(tensor)) for tensor in tensors], tree.state, before)
            for tensor, values in zip(tensors, after, strict=True):
                tensor.data.copy_(_to_torch(values))
        self._show()

    def state_dict(self) -> dict[str, Any]:
        """Return hyper-parameters, and the state as numpy arrays, as a checkpoint of a JAX program holds it."""
        trees = [(list(tree.places), tree.wide, jax.tree.map(np.asarray, tree.state)) for tree in self._trees]
        return {"hyper": dict(self._hyper()), "trees": trees}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.__dict__.update(saved["hyper"])
        self._trees = []
        for places, wide, state in saved["trees"]:
            with _precision(wide):
                self._trees.append(_Tree(list(places), wide, jax.tree.map(jnp.asarray, state)))
        self._show()

    def _hyper(self) -> tuple[tuple[str, Any], ...]:
        return tuple((name, self.__dict__[name]) for name in self._arguments)

    def _built(self) -> Any:
        return self._transformation(**dict(self._hyper()))

    def _parts(self, tree: _Tree) -> Iterator[_Tree]:
        """Yield ``tree``, or two of it where only some of its tensors have a gradient."""
        there = [self._parameters[place].grad is not None for place in tree.places]
        if all(there) or not any(there):
            yield tree
            return
        for wanted in (True, False):
            chosen = [number for number, has in enumerate(there) if has is wanted]
            yield _Tree([tree.places[number] for number in chosen], tree.wide, _part(tree.state, chosen))

    def _show(self) -> None:
        """Put what the transformations hold into attributes, one entry a tensor."""
        for name in self._names:
            shown: list[Any] = [None] * len(self._parameters)
            for tree in self._trees:
                held = _field(tree.state, name.removeprefix(NEGATED))
                if held is None:  # this choice of options does without it
                    continue
                for number, place in enumerate(tree.places):
                    value = held[number] if isinstance(held, list) else held
                    tensor = _to_torch(value)
                    shown[place] = -tensor if name.startswith(NEGATED) else tensor
            self.__dict__[name] = shown


def driven(transformation: Callable[..., Any], adapter: Adapter) -> Callable[..., Driven]:
    """Return what builds ``transformation`` (optax.adam, say) over a list of torch tensors."""

    def build(parameters: list[torch.Tensor], **arguments: Any) -> Driven:
        return Driven(transformation, adapter, parameters, **arguments)

    return build


@cache
def _update(transformation: Callable[..., Any], jit: bool, hyper: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """Return (gradients, state, parameters) -> (parameters, state); the same arguments give the same function.

    Hyper-parameters are Python numbers inside it, as they are in most programs.
    """
    built = transformation(**dict(hyper))

    def update(gradients: Any, state: Any, parameters: Any) -> Any:
        updates, state = built.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    return jax.jit(update) if jit else update


@contextmanager
def _precision(wide: bool) -> Iterator[None]:
    with jax.enable_x64(wide):
        yield


def _part(state: Any, chosen: list[int]) -> Any:
    """Return the state of some of a tree's tensors; what is no list, as the count, they have in common."""
    return jax.tree.map(
        lambda held: [held[number] for number in chosen] if isinstance(held, list) else held,
        state,
        is_leaf=lambda held: isinstance(held, list),
    )


def _field(state: Any, name: str) -> Any:
    """Return the first field called ``name`` of the named tuples in ``state``."""
    if isinstance(state, tuple):
        if name in getattr(state, "_fields", ()):
            return getattr(state, name)
        for inner in state:
            found = _field(inner, name)
            if found is not None:
                return found
    return None


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _to_jax(tensor: torch.Tensor) -> Any:
    whole = tensor.detach().contiguous()
    if whole.dtype is torch.bfloat16:
        return jnp.array(whole.view(torch.int16).numpy().view(ml_dtypes.bfloat16))  # a copy: asarray may share memory
    return jnp.array(whole.numpy())


def _to_torch(values: Any) -> torch.Tensor:
    """Return a JAX array, or a number, as a tensor of the same dtype."""
    held: NDArray[Any] = np.array(values)
    if held.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(held.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(held)
