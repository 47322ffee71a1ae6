"""Reading: what an optimizer computes in a step, as equations that were taken from a run of its code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Symbol


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way through the code: what step ``t`` computes where ``conditions`` hold.

    ``step`` maps theta and each state to its new value, of the old states, g, t and hyper-parameters; a state that this
    step creates has no old value in it. ``conditions`` are the comparisons that the code made, as it found them true.
    ``opaque`` names the functions that were called and not read; what they returned is a symbol in the equations.
    """

    t: int
    step: Mapping[Symbol, Expr]
    conditions: tuple[Expr, ...] = ()
    opaque: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The equations that ``target`` computes in one of its configurations.

    ``step`` maps theta and each state to its new value and ``init`` each state to its value before step 1; both are of
    theta, g and t of the alphabet, of states under names of their own, and of hyper-parameters, for which ``hyper``
    gives the values that they had while the code was read. A hyper-parameter whose meaning its name tells is the
    alphabet's symbol; another is a nonnegative symbol of its own name. Where paths differ, an equation is a Piecewise
    in t or in the conditions. ``names`` says where the subject keeps each state. ``paths`` are the single readings that
    this is made of. ``scalars`` are the states that are one number a tensor, ``letters`` those of the alphabet that a
    state's name suggests, the likeliest first, and ``slots`` the constructor's argument of each hyper-parameter.
    ``built`` says how the subject was built: "takes", "wrapper", "fixed" arguments and where states are ("at").
    """

    target: str
    step: Mapping[Symbol, Expr]
    init: Mapping[Symbol, Expr]
    hyper: Mapping[Symbol, float]
    names: Mapping[Symbol, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    configuration: str = ""
    scalars: frozenset[Symbol] = frozenset()
    letters: Mapping[Symbol, tuple[Symbol, ...]] = field(default_factory=dict)
    slots: Mapping[Symbol, str] = field(default_factory=dict)
    built: Mapping[str, Any] = field(default_factory=dict)

    @property
    def opaque(self) -> tuple[str, ...]:
        """The functions that were not read on some path, in the order in which they were met."""
        return tuple(dict.fromkeys(name for path in self.paths for name in path.opaque))

    @property
    def complete(self) -> bool:
        """Whether everything was read."""
        return not self.opaque
