"""Reading from a run: the plain data that a reader wrote, as equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, Symbol, false, true

from stepcheck_reference.alphabet import ALPHABET, g, t, theta
from stepcheck_reference.reading.expressions import Expressions, number_of
from stepcheck_reference.reading.merging import UNEXPLAINED, initial_values, merged
from stepcheck_reference.reading.reading import Path, Reading
from stepcheck_reference.reading.unification import starting_entries


def reading_of(data: Mapping[str, Any], configuration: str = "") -> Reading:
    """Return the reading that ``data`` is (see ``stepcheck_implementations.reader.answer``)."""
    hyper = {_hyper_symbol(name, entry["value"]): entry["value"] for name, entry in data["hyper"].items()}
    states = _state_symbols(data["states"], hyper)
    expressions = Expressions(data["entries"], states, hyper)
    paths = tuple(_path(path, expressions, states) for path in data["paths"])
    general = paths[-1]
    values = {symbol: number_of(repr(value)) for symbol, value in hyper.items()}
    known = {states[path]: expressions.expression(entry) for path, entry in data["init"].items()}
    likely = {
        states[path]: [expressions.expression(entry) for entry in found]
        for path, found in _starting_entries(data).items()
    }
    created = {
        state: [*(value for value in likely.get(state, ()) if not value.has(g)), Integer(0), *hyper, Integer(1), theta]
        for state in general.step
        if state != theta and state not in known
    }
    initial = initial_values(paths, created, [state for state in created if not likely.get(state)])
    step: dict[Symbol, Expr] = {}
    unexplained = False
    for symbol in general.step:
        step[symbol], explained = merged(symbol, paths, initial, values)
        unexplained |= not explained
    if unexplained:
        paths = (*paths[:-1], _with_opaque(general, UNEXPLAINED))
    return Reading(
        target=data["target"],
        step=step,
        init={state: known.get(state, initial.get(state, Integer(0))) for state in step if state != theta},
        hyper=hyper,
        names={symbol: path for path, symbol in states.items() if symbol in step},
        paths=paths,
        configuration=configuration,
        scalars=frozenset(states[path] for path, entry in data["states"].items() if entry["scalar"]),
        letters=_letters(data, states),
        slots={symbol: data["hyper"][symbol.name]["slot"] for symbol in hyper},
        built={
            **{key: data[key] for key in ("takes", "wrapper", "source", "fixed", "held_at", "meant", "formats")},
            "at": {states[path]: entry["at"] for path, entry in data["states"].items()},
        },
    )


def _starting_entries(data: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the likeliest entries for each state before step 1: what stood in its place, what its memory held."""
    found: dict[str, list[int]] = {}
    for entries in (starting_entries(data), data["first"]):
        for path, entry in entries.items():
            found.setdefault(path, []).append(entry)
    return found


def _path(data: Mapping[str, Any], expressions: Expressions, states: Mapping[str, Symbol]) -> Path:
    step = {states[path]: expressions.expression(entry) for path, entry in data["held"].items()}
    step[theta] = expressions.expression(data["theta"])
    found = [expressions.condition(entry, truth) for entry, truth in data["conditions"]]
    conditions = [condition for condition in (*found, *expressions.decided) if condition not in (true, false)]
    return Path(data["t"], step, tuple(dict.fromkeys(conditions)), tuple(data["opaque"]))


def _with_opaque(path: Path, name: str) -> Path:
    return Path(path.t, path.step, path.conditions, (*path.opaque, name))


def _hyper_symbol(name: str, value: float) -> Symbol:
    return Symbol(name, real=True, nonnegative=True) if value >= 0 else Symbol(name, real=True)


def _state_symbols(states: Mapping[str, Mapping[str, Any]], hyper: Mapping[Symbol, float]) -> dict[str, Symbol]:
    reserved = {symbol.name for symbol in (theta, g, t, *hyper)}
    names = {path: entry["name"] for path, entry in states.items()}
    return {path: Symbol(f"{name}_state" if name in reserved else name, real=True) for path, name in names.items()}


def _letters(data: Mapping[str, Any], states: Mapping[str, Symbol]) -> dict[Symbol, tuple[Symbol, ...]]:
    """Return the letters of the alphabet that each state may play by its name."""
    by_name = {symbol.name: symbol for symbol, letter in ALPHABET.items() if letter.role == "state"}
    return {
        states[path]: tuple(by_name[name] for name in _suggested(entry) if name in by_name)
        for path, entry in data["states"].items()
    }


def _suggested(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return names of letters that a state may play; "mu" is a number in one rule, and elsewhere a first moment."""
    name, letters = entry["name"], entry["letters"]
    own = entry["scalar"] or not letters or name in letters
    return (name, *letters) if own else (*letters, name)
