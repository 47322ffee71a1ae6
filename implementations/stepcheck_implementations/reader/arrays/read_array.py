"""Read array: an ndarray whose operations write down what they compute, and end in the same bits as without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from stepcheck_implementations.reader.arrays import array_rounding, numpy_operations
from stepcheck_implementations.reader.carried_numbers import (
    CarriedFloat,
    CarriedInt,
    CarriedScalar,
    bare,
    carried,
)
from stepcheck_implementations.reader.held_numbers import bits
from stepcheck_implementations.reader.operations import masks
from stepcheck_implementations.reader.tensor_entries import TensorEntries

_reading: list[TensorEntries] = []
"""What is being read now, the innermost last."""
PART = "a write into a part of an array"


@contextmanager
def arrays_read(known: TensorEntries) -> Iterator[None]:
    """Let operations on read arrays be written down in ``known``."""
    _reading.append(known)
    try:
        yield
    finally:
        _reading.pop()


def read_array(array: Any) -> Any:
    """Return ``array`` as a read array over the same memory; what is no array comes back as it is."""
    return array.view(ReadArray) if type(array) is np.ndarray and array.dtype != object else array


class ReadArray(np.ndarray[Any, Any]):
    """An array whose elements are an expression that ``TensorEntries`` has for its memory."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Call ``ufunc`` on plain arrays, and write down its result."""
        return _call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Call a function of NumPy that is no ufunc on plain arrays, and write down its result."""
        name = getattr(function, "__name__", "")
        return _call(function, name, f"{getattr(function, '__module__', 'numpy')}.{name}", args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        """Return a part: the same expression, or what a mask picks."""
        value = _plain(self)[_plain(index)]
        known = _known()
        if known is None:
            return read_array(value)
        picked = masks.is_mask(index)
        return _result(known, value, masks.picked(known, self, index) if picked else known.of(self))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write into the elements that ``index`` picks."""
        known = _known()
        if known is None:
            entry = None
        elif masks.is_mask(index):
            entry = masks.masked(known, self, index, value)
        elif masks.is_everything(index) or self.ndim == 0:
            entry = array_rounding.written(known, known.of(value), self, (value,))
        else:
            operands = [value] if isinstance(value, (np.ndarray, np.generic, float, int)) else []
            entry = known.graph.call(PART, known.of(self), *map(known.of, operands))
        _plain(self)[_plain(index)] = _plain(value)
        if known is not None and entry is not None:
            known.put(self, entry)

    def __bool__(self) -> bool:
        truth = bool(_plain(self))
        known = _known()
        if known is not None:
            known.graph.condition(known.of(self), truth)
        return truth

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        return _plain(self).__reduce__()

    def item(self, *args: Any) -> Any:
        """Return an element as a Python number."""
        known = _known()
        value = _plain(self).item(*args)
        return value if known is None else carried(value, known.graph, known.of(self))

    def tolist(self) -> Any:
        """Return the elements as Python numbers, in lists as deep as the array has dimensions."""
        known = _known()
        entry = None if known is None else known.of(self)

        def each(value: Any) -> Any:
            if isinstance(value, list):
                return [each(part) for part in value]
            return value if known is None else carried(value, known.graph, entry or 0)

        return each(_plain(self).tolist())

    def fill(self, value: Any) -> None:
        """Write ``value`` into every element."""
        self[...] = value


def _method(name: str) -> Callable[..., Any]:
    """Return the method ``name`` of an array, which NumPy calls without telling a subclass."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        function = getattr(np.ndarray, name)
        return _call(function, name, f"array.{name}", (self, *args), kwargs)

    method.__name__ = name
    return method


for _name in (
    *("copy", "astype", "flatten", "ravel", "reshape", "clip", "round", "conj", "conjugate", "take", "repeat"),
    *("sum", "prod", "mean", "std", "var", "max", "min", "argmax", "argmin", "any", "all", "dot", "trace"),
    *("cumsum", "cumprod", "argsort", "searchsorted", "choose", "compress", "diagonal", "nonzero"),
    *("sort", "partition", "put", "squeeze", "transpose", "swapaxes", "view"),
):
    setattr(ReadArray, _name, _method(_name))


def _known() -> TensorEntries | None:
    return _reading[-1] if _reading else None


def _plain(value: Any) -> Any:
    """Return ``value`` without what is read about it: an array, a number, or a sequence of these."""
    if isinstance(value, ReadArray):
        return np.ndarray.view(value, np.ndarray)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(map(_plain, value))
    return bare(value)


def _result(known: TensorEntries, value: Any, entry: int) -> Any:
    """Return what a call gave: a read array that is ``entry`` where its memory is new, or a number that carries it."""
    if isinstance(value, np.ndarray):
        array = read_array(value)
        if known.get(array) is None:
            known.put(array, entry)
        return array
    if isinstance(value, np.bool_):
        known.graph.condition(entry, bool(value))
        return value
    return carried(value, known.graph, entry)


def _call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    outs = tuple(out for out in (kwargs.get("out") or ()) if out is not None)
    plain = {key: _plain(value) for key, value in kwargs.items()}
    known = _known()
    if known is None:
        return function(*map(_plain, inputs), **plain)
    operation = numpy_operations.UFUNCS.get(ufunc.__name__) if method == "__call__" and ufunc.nout == 1 else None
    if operation is None:
        name = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        return _unread(known, function, name, inputs, kwargs)
    entry = operation(known, *array_rounding.operands(known, inputs))
    if entry is None:
        return _unread(known, function, f"numpy.{ufunc.__name__}", inputs, kwargs)
    mask = kwargs.get("where", True)
    if mask is not True:
        old = known.of(outs[0]) if outs else known.graph.add("opaque", "memory that nothing was written into")
        entry = known.graph.add("where", known.of(mask), entry, old)
    value = function(*map(_plain, inputs), **plain)
    if outs:
        known.put(outs[0], array_rounding.written(known, entry, outs[0], inputs))
        return outs[0]
    return _result(known, value, entry)


def _call(function: Any, name: str, title: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    known = _known()
    plain = {key: _plain(value) for key, value in kwargs.items()}
    if known is None or name in numpy_operations.ABOUT:
        return read_array(function(*map(_plain, args), **plain))
    operation = numpy_operations.FUNCTIONS.get(name)
    entry = None
    if operation is not None:
        options = {key: value for key, value in kwargs.items() if key not in numpy_operations.FORM}
        try:
            entry = operation(known, *args, **options)
        except TypeError:  # a form of the call that is not read
            entry = None
    if entry is None:
        return _unread(known, function, title, args, kwargs)
    value = function(*map(_plain, args), **plain)
    if name == "astype":
        entry = array_rounding.written(known, entry, value, args)
    out = kwargs.get("out")
    if name in numpy_operations.WRITES:
        out, value = args[0], None
    if isinstance(out, np.ndarray):
        known.put(out, entry)
        return value if value is None else out
    return _result(known, value, entry)


def _unread(known: TensorEntries, function: Any, title: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function that is not read: its new results, and what it changed, are opaque."""
    given = list(_arrays([*args, *kwargs.values()]))
    entries = list(dict.fromkeys(known.of(value) for value in given))
    before = [bits(value) for value in given if isinstance(value, np.ndarray)]
    value = function(*map(_plain, args), **{key: _plain(entry) for key, entry in kwargs.items()})
    arrays = [entry for entry in given if isinstance(entry, np.ndarray)]
    entry = known.graph.call(title, *entries)
    for number, (array, old) in enumerate(zip(arrays, before, strict=True)):
        if bits(array) != old:
            known.put(array, known.graph.call(title, *entries, known.graph.number(number)))
    out = kwargs.get("out")
    if isinstance(out, tuple) and len(out) == 1 and isinstance(out[0], ReadArray):
        return out[0]
    if isinstance(value, (tuple, list)):
        return type(value)(_result(known, each, entry) for each in value)
    return _result(known, value, entry)


def _arrays(values: Any) -> Iterator[Any]:
    """Yield the arrays and numbers among ``values``."""
    for value in values:
        if isinstance(value, (np.ndarray, np.generic, float, int)):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _arrays(value)


def _number_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Call ``ufunc`` on numbers that carry expressions."""
    return _call_ufunc(ufunc, method, inputs, kwargs)


for _kind in (CarriedFloat, CarriedInt, CarriedScalar):
    setattr(_kind, "__array_ufunc__", _number_ufunc)  # noqa: B010
