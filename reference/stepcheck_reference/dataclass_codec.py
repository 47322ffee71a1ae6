"""Frozen dataclasses as JSON values and back, as their fields' type hints say.

A scalar, and whatever is hinted ``object`` or ``Any``, is written as it is; a tuple becomes a list, a mapping a dict
and a dataclass a dict of its fields. Arrays stay out of the JSON: the caller passes a list that takes them, and each is
written as its index in that list. ``X | None`` is null or as X is.

A field is written under its own name, unless ``json_field`` gives its key; one with ``omit_default=True`` is left out
where it has its default, so that JSON written before the field existed stays as it was.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Array = NDArray[Any]
_Encoder = Callable[[Any, list[Array]], Any]
_Decoder = Callable[[Any, Sequence[Array]], Any]

_SCALARS = (str, int, float, bool, object, Any)


def json_field(key: str = "", *, omit_default: bool = False, **options: Any) -> Any:
    """Return ``dataclasses.field(**options)``, written under ``key`` and, on request, only where it has no default."""
    return dataclasses.field(**options, metadata={"json": key, "omit_default": omit_default})


def encode(value: Any, arrays: list[Array] | None = None) -> dict[str, Any]:
    """Return the dataclass ``value`` as JSON values; its arrays are appended to ``arrays``.

    Raises TypeError for a field whose hint this codec does not know.
    """
    kind: Any = type(value)
    encoded: dict[str, Any] = _codec(kind)[0](value, [] if arrays is None else arrays)
    return encoded


def decode(kind: type[T], raw: Mapping[str, Any], arrays: Sequence[Array] = ()) -> T:
    """Return the ``kind`` that ``encode`` wrote as ``raw``; fields that ``raw`` lacks have their defaults.

    Raises ValueError for a key that is no field's.
    """
    hint: Any = kind
    decoded: T = _codec(hint)[1](raw, arrays)
    return decoded


def prepare(*kinds: type) -> None:
    """Read the type hints of ``kinds`` now: later the modules that they name may be gone from ``sys.modules``."""
    for kind in kinds:
        _codec(kind)


@cache
def _codec(hint: Any) -> tuple[_Encoder, _Decoder]:
    """Return what encodes and what decodes a value of type ``hint``."""
    if hint in _SCALARS:
        return _unchanged, _unchanged
    if dataclasses.is_dataclass(hint):
        return _dataclass_codec(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is np.ndarray:
        return _put_array, _take_array
    if origin in (typing.Union, types.UnionType):
        return _union_codec(hint, arguments)
    if origin is tuple:
        return _tuple_codec(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        encode_entry, decode_entry = _codec(arguments[1])
        return (
            lambda value, arrays: {key: encode_entry(entry, arrays) for key, entry in value.items()},
            lambda raw, arrays: {key: decode_entry(entry, arrays) for key, entry in raw.items()},
        )
    raise TypeError(f"hint={hint!r}, but should be a scalar, tuple, mapping, array or dataclass")


def _unchanged(value: Any, _: Any) -> Any:
    return value


def _put_array(value: Array, arrays: list[Array]) -> int:
    arrays.append(value)
    return len(arrays) - 1


def _take_array(index: int, arrays: Sequence[Array]) -> Array:
    return arrays[index]


def _union_codec(hint: Any, members: tuple[Any, ...]) -> tuple[_Encoder, _Decoder]:
    kinds = [member for member in members if member is not type(None)]
    if all(kind in _SCALARS for kind in kinds):
        return _unchanged, _unchanged
    if len(kinds) != 1:
        raise TypeError(f"hint={hint!r}, but a union should be of scalars, or of one type and None")
    encode_value, decode_value = _codec(kinds[0])
    return (
        lambda value, arrays: None if value is None else encode_value(value, arrays),
        lambda raw, arrays: None if raw is None else decode_value(raw, arrays),
    )


def _tuple_codec(arguments: tuple[Any, ...]) -> tuple[_Encoder, _Decoder]:
    if arguments[-1] is Ellipsis:
        encode_entry, decode_entry = _codec(arguments[0])
        if encode_entry is _unchanged:
            return lambda value, arrays: list(value), lambda raw, arrays: tuple(raw)
        return (
            lambda value, arrays: [encode_entry(entry, arrays) for entry in value],
            lambda raw, arrays: tuple(decode_entry(entry, arrays) for entry in raw),
        )
    codecs = [_codec(argument) for argument in arguments]
    return (
        lambda value, arrays: [codec[0](entry, arrays) for codec, entry in zip(codecs, value, strict=True)],
        lambda raw, arrays: tuple(codec[1](entry, arrays) for codec, entry in zip(codecs, raw, strict=True)),
    )


def _dataclass_codec(kind: Any) -> tuple[_Encoder, _Decoder]:
    hints = typing.get_type_hints(kind)
    table = [
        (
            field.name,
            field.metadata.get("json") or field.name,
            field.default if field.metadata.get("omit_default") else dataclasses.MISSING,
            *_codec(hints[field.name]),
        )
        for field in dataclasses.fields(kind)
    ]
    by_key = {key: (name, decode_value) for name, key, _, _, decode_value in table}

    def encode_fields(value: Any, arrays: list[Array]) -> dict[str, Any]:
        return {
            key: encode_value(getattr(value, name), arrays)
            for name, key, default, encode_value, _ in table
            if default is dataclasses.MISSING or getattr(value, name) != default
        }

    def decode_fields(raw: Mapping[str, Any], arrays: Sequence[Array]) -> Any:
        if unknown := [key for key in raw if key not in by_key]:
            raise ValueError(f"{unknown[0]}={raw[unknown[0]]!r}, but {kind.__name__} has {', '.join(by_key)}")
        values = {name: decode_value(raw[key], arrays) for key, (name, decode_value) in by_key.items() if key in raw}
        return kind(**values)

    return encode_fields, decode_fields
