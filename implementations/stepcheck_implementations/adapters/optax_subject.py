"""optax transformations as objects with ``step()`` over torch tensors; JAX is imported only where one is built.

Numbers cross exactly, through numpy. What JAX does by default is left as it is: 64-bit types are enabled for float64
parameters alone, because they change what JAX computes for narrower parameters next to them.
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
from stepcheck_implementations.adapters.optax_state import attribute, named_states

NEGATED = "negated_"
"""The prefix of a state that is the negative of a field; a change of sign is exact."""


@dataclass(slots=True)
class _Tree:
    """Tensors, by their index in the list, that are stepped together as one tree with one state.

    ``wide`` says that they are float64.
    """

    indices: list[int]
    wide: bool
    state: Any


class Driven:
    """One optax transformation over a list of torch tensors, with its state in attributes that have its own names.

    A transformation counts steps for a whole tree, and needs a gradient for every tensor of it. So a tree is split
    where only some of its tensors have a gradient: each part keeps its state. A state named
    "negated_trace" is the negative of ``trace``. Hyper-parameters are attributes too; after a change the transformation
    is rebuilt and keeps its state.
    """

    def __init__(
        self,
        transformation: Callable[..., Any],
        adapter: Adapter | None,
        parameters: list[torch.Tensor],
        *,
        jit: bool = False,
        **arguments: Any,
    ) -> None:
        self.__dict__.update(arguments)
        self._arguments = tuple(arguments)
        self._transformation, self._jit, self._parameters = transformation, jit, parameters
        self._names: list[str] | None = None  # all
        if adapter is not None and adapter.declared:
            self._names = [*adapter.states.values(), *([adapter.count] if adapter.count else [])]
        self._trees = []
        for wide in (False, True):
            indices = [n for n, p in enumerate(parameters) if (p.dtype in (torch.float64, torch.complex128)) is wide]
            if indices:
                with _precision(wide):
                    state = self._built().init([_to_jax(parameters[index]) for index in indices])
                self._trees.append(_Tree(indices, wide, state))
        self._show()

    def step(self) -> None:
        """Update every tensor that has a gradient."""
        self._trees = [part for tree in self._trees for part in self._parts(tree)]
        update = _update(self._transformation, self._jit, self._hyper())
        for tree in self._trees:
            tensors = [self._parameters[index] for index in tree.indices]
            if any(tensor.grad is None for tensor in tensors):
                continue
            with _precision(tree.wide):
                before = [_to_jax(tensor) for tensor in tensors]
                after, tree.state = update([_to_jax(_gradient(tensor)) for tensor in tensors], tree.state, before)
            for tensor, values in zip(tensors, after, strict=True):
                tensor.data.copy_(_to_torch(values))
        self._show()

    def state_dict(self) -> dict[str, Any]:
        """Return hyper-parameters, and for each tree its tensors' indices and the leaves of its state."""
        trees = [
            {"indices": list(tree.indices), "wide": tree.wide, "leaves": [*map(_to_torch, jax.tree.leaves(tree.state))]}
            for tree in self._trees
        ]
        return {"hyper": dict(self._hyper()), "trees": trees}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` returned; a state has the form that this transformation gives it."""
        self.__dict__.update(saved["hyper"])
        self._trees = []
        for tree in saved["trees"]:
            with _precision(tree["wide"]):
                fresh = self._built().init([_to_jax(self._parameters[index]) for index in tree["indices"]])
                state = jax.tree.unflatten(jax.tree.structure(fresh), [*map(_to_jax, tree["leaves"])])
                self._trees.append(_Tree(list(tree["indices"]), tree["wide"], state))
        self._show()

    def _hyper(self) -> tuple[tuple[str, Any], ...]:
        return tuple((name, self.__dict__[name]) for name in self._arguments)

    def _built(self) -> Any:
        return self._transformation(**dict(self._hyper()))

    def _parts(self, tree: _Tree) -> Iterator[_Tree]:
        """Yield ``tree``, or two of it where only some of its tensors have a gradient."""
        has_gradient = [self._parameters[index].grad is not None for index in tree.indices]
        if all(has_gradient) or not any(has_gradient):
            yield tree
            return
        for wanted in (True, False):
            chosen = [number for number, has in enumerate(has_gradient) if has is wanted]
            yield _Tree([tree.indices[number] for number in chosen], tree.wide, _part(tree.state, chosen))

    def _show(self) -> None:
        """Copy the transformations' state into attributes, one entry a tensor."""
        shown: dict[str, list[Any]] = {}
        for tree in self._trees:
            states = named_states(tree.state, len(tree.indices))
            for name in states if self._names is None else self._names:
                field = states.get(name.removeprefix(NEGATED))
                entries = shown.setdefault(name, [None] * len(self._parameters))
                if field is None:  # this choice of options does without it
                    continue
                for number, index in enumerate(tree.indices):
                    value = field[number] if isinstance(field, list) else field
                    tensor = _to_torch(value)
                    entries[index] = -tensor if name.startswith(NEGATED) else tensor
        self.__dict__.update({attribute(name, self._arguments): entries for name, entries in shown.items()})


def driven(transformation: Callable[..., Any], adapter: Adapter | None) -> Callable[..., Driven]:
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
    """Return the state of some of a tree's tensors; what is no list, as the count, they share."""
    return jax.tree.map(
        lambda leaf: [leaf[number] for number in chosen] if isinstance(leaf, list) else leaf,
        state,
        is_leaf=lambda leaf: isinstance(leaf, list),
    )


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _to_jax(tensor: torch.Tensor) -> Any:
    contiguous = tensor.detach().contiguous()
    if contiguous.dtype is torch.bfloat16:
        bits = contiguous.view(torch.int16).numpy()
        return jnp.array(bits.view(ml_dtypes.bfloat16))  # a copy: asarray may share memory
    return jnp.array(contiguous.numpy())


def _to_torch(values: Any) -> torch.Tensor:
    """Return a JAX array, or a number, as a tensor of the same dtype."""
    array: NDArray[Any] = np.array(values)
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)
