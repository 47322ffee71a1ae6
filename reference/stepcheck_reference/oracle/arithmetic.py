"""Arithmetics: how a subject rounds. A named model with a source for each figure, never slack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepcheck_reference.formats import BINARY32, BINARY64, FORMATS, Format

if TYPE_CHECKING:
    from stepcheck_reference.oracle.own_order.order import Order


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The arithmetic that a subject declares for one mode, dtype and device.

    Formats. ``storage``: of parameters and state; ``states``: of elementwise state, if different. ``read``: to which
    parameters, gradients and state are rounded when they are read (None: not rounded). ``operations``: to which each
    elementwise operation rounds; a kernel that computes narrow tensors in binary32 rounds to ``storage`` only when it
    stores. ``scalars``: of expressions in hyper-parameters alone. ``counted``: of scalars that depend on t or on a
    scalar state, which a subject may store in a tensor. ``scalar_states``: in which a scalar state is stored and
    updated (None: ``counted``). ``entry``: to which a scalar is rounded when it is combined with a tensor;
    ``counted_entry``: the same for ``counted`` scalars (None: ``entry``); ``relay``: to which a scalar without t is
    rounded before that (None: not rounded). ``addend``: to which a scalar that is added to a tensor is rounded (None:
    ``entry`` alone). ``alphas``: hyper-parameters, and complements such as "1-beta1", that multiply as the ``alpha`` of
    an addition, which is rounded to ``storage``. ``held``: the numbers that the subject has for hyper-parameters are
    these, rounded once to a narrower format; ``met``: so is a ``counted`` scalar when it meets a tensor. These two move
    the centre and widen nothing.

    Alternative computations. ``lerp``: averages as a + w (b - a), or b - (b - a)(1 - w) for w >= 1/2; ``squares``: also
    averages of squares; ``increments``: as a + w (b - a) for every w. ``folded``: scalar factors distributed into the
    terms of a divisor. ``forms``: a new value in any of the forms that its rule lists, not only the first; ``form``: in
    the one with this number, counted from 1, where the rule has so many. ``order``: a new value also as the subject
    computes it, in the order of operations that was read from its code.

    Accuracy. ``power_ulps``: the error of scalar ``beta**t`` in units in the last place of ``counted``; ``squared``:
    repeated squaring instead, with up to t - 1 roundings. ``reciprocal_ulps`` and ``inverse_root_ulps``: the error of
    1/x and of 1/sqrt(x) where the subject multiplies by them instead of dividing (0.0: it divides). ``flush``: numbers
    below this magnitude may be read and written as 0 (0.0: subnormals are preserved).
    """

    name: str
    source: str
    storage: Format
    operations: Format
    states: Format | None = None
    read: Format | None = None
    scalars: Format = BINARY64
    counted: Format = BINARY64
    scalar_states: Format | None = None
    entry: Format = BINARY64
    counted_entry: Format | None = None
    addend: Format | None = None
    alphas: frozenset[str] = frozenset()
    lerp: bool = False
    squares: bool = False
    increments: bool = False
    folded: bool = False
    forms: bool = True
    form: int | None = None
    power_ulps: float = 1.0
    squared: bool = False
    relay: Format | None = None
    flush: float = 0.0
    reciprocal_ulps: float = 0.0
    inverse_root_ulps: float = 0.0
    held: Format | None = None
    met: Format | None = None
    order: Order | None = None

    def scalar_format(self, counted: bool) -> Format:
        """Return the format of a scalar that does, or does not, depend on t or a scalar state."""
        return self.counted if counted else self.scalars

    def entry_format(self, counted: bool) -> Format:
        """Return what a scalar is rounded to when it meets a tensor; ``counted`` as in ``scalar_format``."""
        return self.counted_entry if counted and self.counted_entry is not None else self.entry

    def with_(self, **changes: object) -> Arithmetic:
        """Return this arithmetic with some figures replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]


def plain(dtype: str, *, name: str = "binary64 scalars", source: str = "IEEE 754-2019, section 4.3.1") -> Arithmetic:
    """Return arithmetic that rounds every elementwise operation to ``dtype``.

    Scalars are Python floats; an operation on a narrow tensor takes them in binary32 (its accumulate
    type), one on a wide tensor in the tensor's own format.
    """
    form = FORMATS[dtype]
    entry = BINARY64 if form is BINARY64 else BINARY32
    return Arithmetic(name=name, source=source, storage=form, operations=form, entry=entry)
