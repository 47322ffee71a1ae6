"""Constructors that take a model, or parameters with their names, given a list of parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.matching.aliases import MODELS, NAMED_PARAMETERS


def from_model(target: Callable[..., Any], adapter: Adapter | None = None) -> Callable[..., Any]:
    """Return what builds ``target`` from a list of parameters, as a model that has these alone."""
    return _given(target, torch.nn.ParameterList)


def from_named_parameters(target: Callable[..., Any], adapter: Adapter | None = None) -> Callable[..., Any]:
    """Return what builds ``target`` from a list of parameters, as pairs of a name and a parameter."""

    def named(parameters: Sequence[torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
        return [(f"p{number}", parameter) for number, parameter in enumerate(parameters)]

    return _given(target, named)


def _given(target: Callable[..., Any], form: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(target, updated=())
    def build(parameters: Any, *positional: Any, **named: Any) -> Any:
        return target(form(parameters), *positional, **named)

    return build


def input_wrapper(first: str) -> str:
    """Return the name of the wrapper for a constructor whose first argument is called ``first``, "" without one."""
    if first in MODELS:
        return wrappers.MODEL
    return wrappers.NAMED_PARAMETERS if first in NAMED_PARAMETERS else ""
