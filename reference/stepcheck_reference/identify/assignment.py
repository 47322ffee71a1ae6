"""Assignment: which of a reading's hyper-parameters may be which of a rule's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from sympy import Symbol

from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.traits import Traits, traits

MOST = 720
"""The most assignments that are tried of one reading to one list of hyper-parameters."""

KINDS: Mapping[str, str] = {
    "lr": "rate",
    "beta": "decay",
    "beta1": "decay",
    "beta2": "decay",
    "momentum": "decay",
    "rho": "decay",
    "eps": "small",
    "eps_root": "small",
    "weight_decay": "shrinkage",
    "start": "start",
    "initial_accumulator": "start",
}
"""Names that may stand for each other; a name that is not listed stands for itself alone."""

Assignment = Mapping[str, Symbol]
"""The reading's symbol for each of a rule's hyper-parameters that it has."""


def kind(name: str) -> str:
    """Return what kind of hyper-parameter ``name`` is."""
    return KINDS.get(name, name)


def assignments(reading: Lifted, slots: Sequence[str]) -> tuple[Assignment, ...]:
    """Return every way in which all named symbols of ``reading`` are some of ``slots``; its numbers may stay numbers.

    A symbol of the alphabet is only a hyper-parameter of its own kind. One number may be two hyper-parameters that
    decay, since code may have the same twice.
    """
    wanted = [symbol for symbol in reading.hyper if symbol not in reading.constants]
    seen = traits(reading)
    return tuple(islice(_extended(reading, seen, [*wanted, *reading.constants], tuple(slots), {}), MOST))


def _extended(
    reading: Lifted, seen: Traits, symbols: Sequence[Symbol], slots: tuple[str, ...], made: dict[str, Symbol]
) -> Iterator[Assignment]:
    if not symbols:
        yield dict(made)
        return
    symbol, rest = symbols[0], symbols[1:]
    possible = [slot for slot in slots if slot not in made and _may_be(reading, seen, symbol, slot)]
    possible.sort(key=lambda slot: slot != str(symbol))
    for slot in possible:
        yield from _extended(reading, seen, rest, slots, {**made, slot: symbol})
    if symbol in reading.constants:
        decays = [slot for slot in possible if kind(slot) == "decay"]
        if len(decays) == 2:
            yield from _extended(reading, seen, rest, slots, {**made, **dict.fromkeys(decays, symbol)})
        yield from _extended(reading, seen, rest, slots, made)


def _may_be(reading: Lifted, seen: Traits, symbol: Symbol, slot: str) -> bool:
    if symbol in ALPHABET:
        return kind(str(symbol)) == kind(slot)
    if symbol not in seen.get(kind(slot), {symbol}):
        return False
    return slot != "initial_lr" or symbol not in reading.constants
