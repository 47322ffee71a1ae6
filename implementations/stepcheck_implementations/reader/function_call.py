"""Function call: how an update function is called, where nobody says which rule it follows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.aliases import COUNT_ALIASES, GRADIENT_ARGUMENTS, STATE_CONTAINERS
from stepcheck_implementations.matching.call_search import OTHER, find_call
from stepcheck_implementations.matching.claim import PROBE_HYPER, Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.matching.signature import Signature
from stepcheck_implementations.matching.update_function import compile_class, function_name
from stepcheck_implementations.reader.argument_names import MEANINGS, letters_for, names_of, symbols_of

_STATES = ("m", "v", "b", "velocity", "state", "states")
"""Names that are those of states, whatever else they may be."""
_LIKELY_STATES = ("m", "v", "b", "velocity", "h", "v_max", "u")
"""The states that a container may have under names of their own."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A class that calls a function: what builds it, its text, what it is built from, and its numbers by name."""

    build: Callable[..., Any]
    source: str
    takes: str
    numbers: Mapping[str, float]
    wrapper: str = wrappers.UPDATE_FUNCTION


def call_of(function: Callable[..., Any], target: str, signature: Signature, fixed: Mapping[str, Any]) -> FunctionCall:
    """Return how ``function`` is called; raises TargetError where its arguments' names do not tell.

    A name such as mu may be a hyper-parameter's and a state's: both are tried, the latter first beside nu.
    """
    twofold = [name for name in signature.required if letters_for(name) and name not in fixed]
    choices = [twofold, []] if {"mu", "nu"} <= set(signature.names) else [[], twofold]
    failure: TargetError | None = None
    for states in choices:
        try:
            return _call_with(function, target, signature, fixed, states)
        except TargetError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _call_with(
    function: Callable[..., Any], target: str, signature: Signature, fixed: Mapping[str, Any], states: Collection[str]
) -> FunctionCall:
    numbers = names_of(signature, taken=[*fixed, *COUNT_ALIASES], states=[*states, *GRADIENT_ARGUMENTS, *_STATES])
    values = {name: numbers[slot] for slot, name in symbols_of(numbers).items()}
    known = {*GRADIENT_ARGUMENTS, *COUNT_ALIASES, *STATE_CONTAINERS, *(slot.partition("[")[0] for slot in numbers)}
    initial: dict[str, float | str] = {}
    for name in (name for name in signature.required if name not in known and name not in fixed):
        letter = next((letter for letter in letters_for(name) if letter not in initial), None)
        if letter is not None:
            initial[letter] = 0.0
    if any(name in STATE_CONTAINERS for name in signature.names) and not initial:
        initial = dict.fromkeys(_LIKELY_STATES, 0.0)
    keys = {alias: meaning for meaning, names in MEANINGS.items() for alias in names}
    hyper = {name: value for name, value in values.items() if name in PROBE_HYPER or name in signature.names}
    claim = Claim(rule="what it computes", hyper=hyper, initial=initial, fixed=fixed, keys=keys)
    try:
        attempt = find_call(function, target, signature, claim, 3)
    except NoMatch as error:
        raise TargetError(str(error)) from error
    name = function_name(target)
    given = {**PROBE_HYPER, **hyper}
    taken = {argument: given.get(argument, OTHER) for argument in attempt.call.takes_by_name if argument not in fixed}
    return FunctionCall(compile_class(attempt.text, {name: function}), attempt.text, attempt.call.takes, taken)
