"""Limits of scripts from outside: what a script in a token or a baseline may hold, so that running it is bounded.

``from_json`` reads what ``to_json`` wrote. Text from elsewhere can hold anything; what it means is checked here, before
it is run.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Data, Literal, Script
from stepcheck_reference.scripts.script_json import from_json, to_json

MOST_STEPS = 10_000
MOST_TENSORS = 1_000
"""Of groups, too."""
MOST_NUMBERS = 1 << 20
"""Reals of all parameters together."""
MOST_NUMBER_STEPS = 1 << 22
"""Reals times one more than the steps: what a trajectory holds of the parameters."""
_MOST_DIMENSIONS = 16
_SHOWN = 40


class NoScript(ValueError):
    """A text that is no script, or one beyond the limits; the message is a clause without a subject."""


def script_from_outside(text: str) -> Script:
    """Return the script in ``text``, which anybody may have written.

    Raises NoScript where it is none, has a key that this release does not know, a value of another type, a number that
    should be finite and is not, an index of nothing, or more steps or elements than may be run.
    """
    try:
        raw = json.loads(text, parse_constant=_refused_constant)
        script = from_json(text)
        _check_type(script, Script, "script")
        _check_size(script)
        _check_numbers(script)
        if difference := _difference(raw, json.loads(to_json(script)), "script"):
            raise NoScript(f"has {difference}")
    except NoScript:
        raise
    except RecursionError as error:
        raise NoScript("is nested too deeply") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise NoScript(f"is not one ({_cut(str(error) or type(error).__name__, 160)})") from error
    return script


def _refused_constant(text: str) -> Any:
    raise NoScript(f"has the number {text}, which JSON does not have")


def _check_size(script: Script) -> None:
    for what, count, most in (
        ("steps", len(script.steps), MOST_STEPS),
        ("tensors", len(script.tensors), MOST_TENSORS),
        ("groups", len(script.groups), MOST_TENSORS),
    ):
        if not count <= most:
            raise NoScript(f"has {count} {what}, but should have at most {most}")
    if not script.tensors:
        raise NoScript("has no tensor")
    for number, tensor in enumerate(script.tensors):
        shape = f"tensor {number} of shape {_cut(tensor.shape)}"
        if any(size < 0 for size in tensor.shape):
            raise NoScript(f"has {shape}, but sizes should not be negative")
        if len(tensor.shape) > _MOST_DIMENSIONS or any(size > MOST_NUMBERS for size in tensor.shape):
            raise NoScript(f"has {shape}, but should have at most {MOST_NUMBERS} elements")
    numbers = sum(math.prod(tensor.shape) * (2 if is_complex(tensor.dtype) else 1) for tensor in script.tensors)
    if numbers > MOST_NUMBERS:
        raise NoScript(f"has {numbers} elements, but should have at most {MOST_NUMBERS}")
    if numbers * (len(script.steps) + 1) > MOST_NUMBER_STEPS:
        raise NoScript(
            f"has {numbers} elements and {len(script.steps)} steps, but should have at most {MOST_NUMBER_STEPS} "
            "elements times steps"
        )


def _check_numbers(script: Script) -> None:
    for number, group in enumerate(script.groups):
        for name, value in group.hyper.items():
            _check_finite(value, f"{_cut(name)} of group {number}")
    for tensor in script.tensors:
        _check_data(tensor.initial, tensor.size)
    if script.objective is not None:
        _check_finite(script.objective.curvature, "curvature")
    for edge in script.box or ():
        _check_finite(edge, "an edge of the box")
    for number, step in enumerate(script.steps, 1):
        for group_number, name, value in step.hyper:
            _check_index(group_number, len(script.groups), f"step {number} changes a group")
            _check_finite(value, f"{_cut(name)} in step {number}")
        for group_number in step.adds_groups:
            _check_index(group_number, len(script.groups), f"step {number} adds a group")
        _check_finite(step.grad_scale, f"grad_scale in step {number}")
        for index, data in step.overwrite:
            _check_index(index, len(script.tensors), f"step {number} overwrites a tensor")
            _check_data(data, script.tensors[index].size)
        for tensor, gradient in zip(script.tensors, step.gradients, strict=True):
            if gradient is not None:
                _check_data(gradient, tensor.size)


def _check_data(data: Data, size: int) -> None:
    if isinstance(data, Literal):
        if len(data.values) not in (1, size):
            raise NoScript(f"has {len(data.values)} values for a tensor of {size}, but should have 1 or {size}")
        return
    if not 0 <= data.seed < 1 << 64:
        raise NoScript(f"has seed={_cut(data.seed)}, but should be an integer from 0 to 2**64 - 1")
    _check_finite(data.scale, "scale")
    for index, _ in data.specials:
        _check_index(index if index >= 0 else -index - 1, MOST_NUMBERS, "a special value is put in")


def _check_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise NoScript(f"has {what}={value!r}, but should be finite")


def _check_index(index: int, count: int, what: str) -> None:
    if not 0 <= index < count:
        raise NoScript(f"has an index {_cut(index)} ({what}), but should be from 0 to {count - 1}")


def _check_type(value: Any, hint: Any, path: str) -> None:
    """Raise NoScript where ``value`` is not of type ``hint``; True is no number, an integer is a float as well."""
    if dataclasses.is_dataclass(hint):
        if type(value) is not hint:
            raise _mistyped(value, hint, path)
        kind_of: Any = hint
        for name, kind in _hints(kind_of):
            _check_type(getattr(value, name), kind, f"{path}.{name}")
        return
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        exact = [kind for kind in arguments if type(value) is kind]
        if not exact:
            exact = [kind for kind in arguments if kind is float or typing.get_origin(kind) is not None]
        if not exact:
            raise _mistyped(value, hint, path)
        _check_type(value, exact[0], path)
    elif origin is tuple:
        kinds = [arguments[0]] * len(value) if type(value) is tuple and arguments[-1] is Ellipsis else list(arguments)
        if type(value) is not tuple or len(kinds) != len(value):
            raise _mistyped(value, hint, path)
        for index, (entry, kind) in enumerate(zip(value, kinds, strict=True)):
            _check_type(entry, kind, f"{path}[{index}]")
    elif origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _mistyped(value, hint, path)
        for key, entry in value.items():
            _check_type(key, arguments[0], path)
            _check_type(entry, arguments[1], f"{path}[{_cut(key)}]")
    elif type(value) is not hint and not (hint is float and type(value) is int):
        raise _mistyped(value, hint, path)


def _mistyped(value: Any, hint: Any, path: str) -> NoScript:
    wanted = hint.__name__ if isinstance(hint, type) else str(hint)
    return NoScript(f"has {path}={_cut(value)}, but should be of type {wanted}")


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


def _difference(given: Any, understood: Any, path: str) -> str:
    """Return where ``given`` holds something that ``understood``, which was read from it, does not; "" nowhere."""
    if isinstance(given, dict) and isinstance(understood, dict):
        for key, value in given.items():
            if key not in understood:
                return f"{path}.{_cut(key)}={_cut(value)}, which this release of stepcheck does not know"
            if found := _difference(value, understood[key], f"{path}.{_cut(key)}"):
                return found
        return ""
    if isinstance(given, list) and isinstance(understood, list) and len(given) == len(understood):
        pairs = enumerate(zip(given, understood, strict=True))
        return next((found for at, pair in pairs if (found := _difference(*pair, f"{path}[{at}]"))), "")
    if given == understood:
        return ""
    return f"{path}={_cut(given)}, which this release of stepcheck reads as {_cut(understood)}"


def _cut(value: Any, most: int = _SHOWN) -> str:
    """Return ``value`` as text of at most ``most`` characters, on one line."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return f"a {type(value).__name__} that is too long to be shown"
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
