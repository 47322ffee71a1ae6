"""Function call: how an update function is called, where nobody says which rule it follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.aliases import COUNT_ALIASES, GRADIENT_ARGUMENTS, STATE_CONTAINERS
from stepcheck_implementations.matching.call_search import find_call
from stepcheck_implementations.matching.claim import PROBE_HYPER, Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.matching.signature import Signature
from stepcheck_implementations.matching.update_function import compile_class, function_name
from stepcheck_implementations.reader.argument_names import letters_for, names_of, symbols_of

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
    """Return how ``function`` is called; raises TargetError where its arguments' names do not tell."""
    numbers = names_of(signature, taken=fixed)
    hyper = {name: PROBE_HYPER[name] for name in symbols_of(numbers).values() if name in PROBE_HYPER}
    known = {*GRADIENT_ARGUMENTS, *COUNT_ALIASES, *STATE_CONTAINERS, *(slot.partition("[")[0] for slot in numbers)}
    initial: dict[str, float | str] = {}
    for name in (name for name in signature.required if name not in known and name not in fixed):
        letter = next((letter for letter in letters_for(name) if letter not in initial), None)
        if letter is not None:
            initial[letter] = 0.0
    if any(name in STATE_CONTAINERS for name in signature.names) and not initial:
        initial = dict.fromkeys(_LIKELY_STATES, 0.0)
    claim = Claim(rule="what it computes", hyper=hyper, initial=initial, fixed=fixed)
    try:
        attempt = find_call(function, target, signature, claim, 3)
    except NoMatch as error:
        raise TargetError(str(error)) from error
    name = function_name(target)
    taken = {argument: hyper[argument] for argument in attempt.call.takes_by_name if argument in hyper}
    return FunctionCall(compile_class(attempt.text, {name: function}), attempt.text, attempt.call.takes, taken)
