"""Edge case: a script that reaches one, and what it is built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn
from stepcheck_properties.strategies.hyper_parameters import averages, domains_of, hyper_choice, typical_values
from stepcheck_reference.formats import FORMATS, Format
from stepcheck_reference.scripts.script import Drawn, Literal, Script, Step, Tensor

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A script that reaches one edge case; ``sentence`` says what happens in it."""

    name: str
    sentence: str
    script: Script


@dataclass(frozen=True, slots=True)
class CellInputs:
    """What the edge cases of one cell are built from."""

    rule: Rule
    dtype: str
    companions: tuple[str, ...]
    profile: Profile
    seed: int
    fixed_hyper: Mapping[str, float]

    @property
    def form(self) -> Format:
        """The number format of ``dtype``."""
        return FORMATS[self.dtype]

    def values(self, name: str) -> tuple[float, ...]:
        """Return the values of a hyper-parameter in this cell, the plainest first; one if it is fixed."""
        if name in self.fixed_hyper:
            return (self.fixed_hyper[name],)
        return typical_values(name, domains_of(self.rule)[name])

    def hyper(self, turn: int = 0, **preferred: float) -> dict[str, float]:
        """Return the ``turn``-th choice of hyper-parameters; see ``hyper_choice``."""
        return hyper_choice(self.rule, self.fixed_hyper, turn, preferred)

    def varies(self, name: str) -> bool:
        """Whether the rule has the hyper-parameter ``name`` and the cell does not fix it."""
        return name in domains_of(self.rule) and name not in self.fixed_hyper

    def free_averages(self) -> list[str]:
        """Return the averaging factors that the cell does not fix."""
        return [name for name, domain in domains_of(self.rule).items() if averages(domain) and self.varies(name)]

    def drawn(self, regime: str, *where: int | str, scale: float = 1.0) -> Drawn:
        """Return data of ``regime`` whose seed comes from the cell's and the place where it is used."""
        return drawn(self.seed, regime, *where, scale=scale)

    def normal_tensors(self, where: str, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Return contiguous tensors of ``shapes`` with normally distributed values."""
        return tuple(
            Tensor(shape, self.dtype, self.drawn("normal", where, index)) for index, shape in enumerate(shapes)
        )

    def normal_steps(self, where: str, steps: int, tensors: int) -> tuple[Step, ...]:
        """Return steps in which each of ``tensors`` has a normally distributed gradient."""
        return tuple(
            Step(tuple(self.drawn("normal", where, number, index) for index in range(tensors)))
            for number in range(steps)
        )

    def literal(self, values: tuple[float, ...]) -> Literal:
        """Return ``values`` for as many elements; a complex element pairs a value with the next one."""
        if not self.dtype.startswith("complex"):
            return Literal(values)
        return Literal(tuple(part for pair in zip(values, values[1:] + values[:1], strict=True) for part in pair))


def always(cell: CellInputs) -> bool:
    """Whether the edge case can be built in ``cell``: it can in every one."""
    return True


@dataclass(frozen=True, slots=True)
class Builder:
    """How an edge case is built, and in which cells; the name is the label of its script."""

    name: str
    sentence: str
    build: Callable[[CellInputs], Script]
    applies: Callable[[CellInputs], bool] = always
