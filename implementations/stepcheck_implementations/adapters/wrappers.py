"""Wrappers: what turns a target that is no optimizer class into one, by the name that an ``Adapter`` has for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_reference.suggest import did_you_mean

OPTAX = "stepcheck_implementations.adapters.optax_subject:driven"
TORCHAO = "stepcheck_implementations.adapters.torchao_subject:by_mode"
MODEL = "stepcheck_implementations.matching.classes.parameter_inputs:from_model"
NAMED_PARAMETERS = "stepcheck_implementations.matching.classes.parameter_inputs:from_named_parameters"
INPUTS = (MODEL, NAMED_PARAMETERS)
"""The wrappers of a class that is built from something else than tensors, and is driven as a class otherwise."""
UPDATE_FUNCTION = "stepcheck_implementations.matching.update_function:wrap"

_FORMER_NAMES: Mapping[str, str] = {
    "stepcheck_implementations.optax_subject:driven": OPTAX,
    "stepcheck_implementations.torchao_subject:by_mode": TORCHAO,
    "stepcheck_implementations.update_function:wrapped": UPDATE_FUNCTION,
}
"""Names in baselines that guard recorded when these modules lay elsewhere."""

NAMES = (OPTAX, TORCHAO, *INPUTS, UPDATE_FUNCTION, *_FORMER_NAMES)
"""Every name that a wrapper has, or had."""


def is_of_function(name: str) -> bool:
    """Whether ``name`` is that of the wrapper of update functions, whose adapter holds the text of a class."""
    return _FORMER_NAMES.get(name, name) == UPDATE_FUNCTION


def load_wrapper(name: str) -> Callable[..., Any]:
    """Return the wrapper called ``name``: a function of the target and its adapter.

    Raises TargetError where it is none of ``NAMES``: an adapter may come from a baseline that anybody wrote.
    """
    if name not in NAMES:
        raise TargetError(f"{name}: no wrapper of stepcheck{did_you_mean(name, NAMES)}")
    return cast(Callable[..., Any], load(_FORMER_NAMES.get(name, name)))
