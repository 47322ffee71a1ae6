"""Corners: the scripts that past bugs needed, enumerated for one rule, dtype and profile."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from stepcheck_properties.profile import Profile
from stepcheck_properties.strategies.hyper_parameters import averages, contains, domains_of, ordered, typical_values
from stepcheck_properties.strategies.scripts import companions_of
from stepcheck_reference.formats import FORMATS, Format
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Drawn, Group, Literal, Quadratic, Script, Step, Tensor

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule

CURVATURE = 0.75
"""The curvature of the objective where a rule needs one; 1 would hide a rounding."""
ZERO = Literal((0.0,))
BETWEEN = 0.022
"""A weight decay for which 1 - 0.1*BETWEEN lies about halfway between neighbours in bfloat16 and in float16."""

TURNS = 16
"""Steps of the corner in which signs turn."""


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A script that reaches one corner; ``sentence`` says what happens in it."""

    name: str
    sentence: str
    script: Script


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a corner is made for: ``spread`` maps each hyper-parameter to the values it may take here."""

    rule: Rule
    dtype: str
    companions: tuple[str, ...]
    profile: Profile
    seed: int
    fixed_hyper: Mapping[str, float]

    @property
    def form(self) -> Format:
        return FORMATS[self.dtype]

    def values(self, name: str) -> tuple[float, ...]:
        """The values ``name`` takes in this cell, the plainest first; one where it is held."""
        if name in self.fixed_hyper:
            return (self.fixed_hyper[name],)
        return typical_values(name, domains_of(self.rule)[name])

    def hyper(self, turn: int = 0, **wanted: float) -> dict[str, float]:
        """The ``turn``-th choice of hyper-parameters, ``wanted`` over it where the rule has and allows them.

        Turn 0 is the plainest value of each. A learning rate of 0 is never a turn's choice.
        """
        chosen = {}
        for name, domain in domains_of(self.rule).items():
            values = [value for value in self.values(name) if name != "lr" or value != 0.0] or list(self.values(name))
            value = values[turn % len(values)]
            want = wanted.get(name, value)
            chosen[name] = want if name not in self.fixed_hyper and contains(domain, want) else value
        return ordered(chosen, self.fixed_hyper)

    def drawn(self, regime: str, *where: int | str, scale: float = 1.0) -> Drawn:
        """Data of ``regime`` whose seed comes from the cell's and the place it is used."""
        return drawn(self.seed, regime, *where, scale=scale)


def drawn(seed: int, regime: str, *where: int | str, scale: float = 1.0) -> Drawn:
    """Return data of ``regime`` whose seed comes from ``seed`` and the place it is used."""
    text = "/".join(str(part) for part in (seed, *where))
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
    return Drawn(regime, key, scale)


def _two_groups(cell: _Cell) -> Script:
    tensors = tuple(Tensor(shape, cell.dtype, cell.drawn("normal", "groups", *shape)) for shape in ((9,), (3, 4), (5,)))
    groups = (Group((0, 2), cell.hyper(0)), Group((1,), cell.hyper(1)))
    steps = tuple(
        Step(tuple(cell.drawn("normal", "groups", number, index) for index in range(3))) for number in range(4)
    )
    return Script(tensors, groups, steps)


def _mixed_dtypes(cell: _Cell) -> Script:
    dtypes = (cell.dtype, *cell.companions[:3], cell.dtype)
    tensors = tuple(Tensor((6,), dtype, cell.drawn("normal", "mixed", index)) for index, dtype in enumerate(dtypes))
    steps = tuple(
        Step(tuple(cell.drawn("normal", "mixed", number, index) for index in range(len(tensors))))
        for number in range(4)
    )
    return Script(tensors, (Group(tuple(range(len(tensors))), cell.hyper()),), steps)


def _missing_gradients(cell: _Cell) -> Script:
    tensors = tuple(Tensor((7,), cell.dtype, cell.drawn("normal", "missing", index)) for index in range(3))
    present = ((1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0), (1, 1, 1), (1, 0, 1))
    steps = tuple(
        Step(
            tuple(cell.drawn("normal", "missing", number, index) if there else None for index, there in enumerate(row))
        )
        for number, row in enumerate(present)
    )
    return Script(tensors, (Group((0, 1), cell.hyper()), Group((2,), cell.hyper(1))), steps)


def _shrinking_gradients(cell: _Cell) -> Script:
    steps, form = 12, cell.form
    fall = (form.max_exponent + form.precision) / (steps - 2)
    tensor = Tensor((24,), cell.dtype, cell.drawn("normal", "shrinking"))
    return Script(
        (tensor,),
        (Group((0,), cell.hyper()),),
        tuple(
            Step((cell.drawn("normal", "shrinking", number, scale=2.0 ** -round(fall * number)),))
            for number in range(steps)
        ),
    )


def _zeros_and_subnormals(cell: _Cell) -> Script:
    form = cell.form
    tiny, normal, ulp = form.smallest_subnormal, form.smallest_normal, 2.0 * form.unit_roundoff
    values = (0.0, -0.0, tiny, -tiny, 3 * tiny, normal, -normal, normal - tiny, 1.0 + ulp, 1.0 - ulp / 2, 1.0, -1.0)
    tensors = (
        Tensor((12,), cell.dtype, ZERO),
        Tensor((12,), cell.dtype, _literal(cell.dtype, values)),
        Tensor((), cell.dtype, Literal((-0.0,))),
    )
    turned = values[5:] + values[:5]
    rows: tuple[Data, ...] = (
        _literal(cell.dtype, values),
        _literal(cell.dtype, tuple(-value for value in values)),
        ZERO,
        _literal(cell.dtype, turned),
        Literal((-0.0,)),
    )
    single = (Literal((-tiny,)), ZERO, Literal((tiny,)), Literal((-0.0,)), Literal((1.0,)))
    steps = tuple(Step((row, row, alone)) for row, alone in zip(rows, single, strict=True))
    return Script(tensors, (Group((0, 1, 2), cell.hyper()),), steps)


def _epsilons(cell: _Cell) -> Script:
    tensors = tuple(Tensor((16,), cell.dtype, cell.drawn("normal", "epsilons", index)) for index in range(3))
    groups = tuple(
        Group((index,), cell.hyper(index, eps=eps))
        for index, eps in enumerate((1.0, max(cell.values("eps")) / 8, 1e-16))
    )
    steps = tuple(
        Step(tuple(cell.drawn("normal", "epsilons", number, index) for index in range(3))) for number in range(8)
    )
    return Script(tensors, groups, steps)


def _zero_rate(cell: _Cell) -> Script:
    tensors = tuple(Tensor((6,), cell.dtype, cell.drawn("normal", "rate", index)) for index in range(2))
    groups = (Group((0,), cell.hyper(0, lr=0.0)), Group((1,), cell.hyper(1, lr=0.0)))
    gradients = (
        (cell.drawn("normal", "rate", 0, 0), ZERO),
        (ZERO, cell.drawn("normal", "rate", 1, 1)),
        (cell.drawn("normal", "rate", 2, 0), cell.drawn("wide", "rate", 2, 1)),
    )
    return Script(tensors, groups, tuple(Step(row) for row in gradients))


def _many_steps(cell: _Cell) -> Script:
    steps = cell.profile.long_steps[cell.dtype]
    tensors = tuple(Tensor((size,), cell.dtype, cell.drawn("normal", "many", size)) for size in (10, 4))
    return Script(
        tensors,
        (Group((0,), cell.hyper()), Group((1,), cell.hyper(3, lr=0.01))),
        tuple(
            Step(tuple(cell.drawn("normal", "many", number, index) for index in range(2))) for number in range(steps)
        ),
    )


def _layouts(cell: _Cell) -> Script:
    placed = (
        ((), "contiguous"),
        ((), "sliced"),
        ((0,), "contiguous"),
        ((3, 0, 2), "contiguous"),
        ((11,), "sliced"),
        ((5, 4), "transposed"),
        ((2, 3, 4), "transposed"),
        ((4, 3), "sliced"),
        ((2, 3, 2, 2), "channels_last"),
    )
    tensors = tuple(
        Tensor(shape, cell.dtype, cell.drawn("normal", "layouts", index), layout)
        for index, (shape, layout) in enumerate(placed)
    )
    steps = tuple(
        Step(tuple(cell.drawn("normal", "layouts", number, index) for index in range(len(tensors))))
        for number in range(2)
    )
    return Script(tensors, (Group(tuple(range(len(tensors))), cell.hyper()),), steps)


def _overwritten(cell: _Cell) -> Script:
    tensors = (
        Tensor((40,), cell.dtype, ZERO),
        Tensor((4, 5), cell.dtype, cell.drawn("normal", "overwritten")),
    )
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    steps = []
    for number in range(6):
        overwrite: list[tuple[int, Data]] = [(0, ZERO)] if number else []
        if number in (2, 4):
            overwrite.append((1, ZERO if number == 4 else cell.drawn("wide", "overwritten", number)))
        gradients = tuple(cell.drawn("normal", "overwritten", number, index) for index in range(2))
        steps.append(Step(gradients, overwrite=tuple(overwrite)))
    return Script(tensors, groups, tuple(steps))


def _reloaded(cell: _Cell) -> Script:
    tensors = tuple(Tensor((8,), cell.dtype, cell.drawn("normal", "reloaded", index)) for index in range(2))
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    steps = tuple(
        Step(
            (
                cell.drawn("normal", "reloaded", number, 0),
                cell.drawn("normal", "reloaded", number, 1) if number not in (0, 1) else None,
            ),
            reload=number in (0, 1, 3, 5),
        )
        for number in range(6)
    )
    return Script(tensors, groups, steps)


def _scheduled(cell: _Cell) -> Script:
    tensors = tuple(Tensor((8,), cell.dtype, cell.drawn("normal", "scheduled", index)) for index in range(2))
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    rates = ((0.1, 0.01), (0.05, 0.0), (1.0, 0.3), (1e-6, 0.3), (0.0, 2.0), (0.01, 1e-3))
    steps = tuple(
        Step(
            tuple(cell.drawn("normal", "scheduled", number, index) for index in range(2)),
            hyper=tuple((group, "lr", rate) for group, rate in enumerate(pair)) if number else (),
        )
        for number, pair in enumerate(rates)
    )
    return Script(tensors, groups, steps)


def _turning_signs(cell: _Cell) -> Script:
    tiny, small = cell.form.smallest_subnormal, cell.form.smallest_normal
    rows = []
    for number in range(TURNS):
        turn, late = 1.0 if number % 2 else -1.0, 1.0 if number < TURNS // 2 else -1.0
        there = 1.0 if number % 3 else 0.0
        values = (1.0, -1.0, turn, 0.5 * turn, late, -late, there, there * turn, tiny, small * turn, -0.0, late * tiny)
        rows.append(_literal(cell.dtype, values))
    tensors = tuple(Tensor((12,), cell.dtype, cell.drawn("normal", "turning", index)) for index in range(2))
    groups = (Group((0,), cell.hyper(0, step_min=0.02, step_max=0.5)), Group((1,), cell.hyper(1)))
    return Script(tensors, groups, tuple(Step((row, row)) for row in rows))


def _short_memory(cell: _Cell) -> Script:
    free = [name for name, domain in domains_of(cell.rule).items() if averages(domain) and name not in cell.fixed_hyper]
    choices = ((0.0, 0.0), (0.5, 0.25), (0.0, 0.5), (0.25, 0.0))
    groups = tuple(
        Group((index,), cell.hyper(0, **{name: pair[place % 2] for place, name in enumerate(free)}))
        for index, pair in enumerate(choices)
    )
    tensors = tuple(Tensor((12,), cell.dtype, cell.drawn("normal", "memory", index)) for index in range(len(choices)))
    steps = tuple(
        Step(tuple(cell.drawn("normal", "memory", number, index) for index in range(len(choices))))
        for number in range(4)
    )
    return Script(tensors, groups, steps)


def _bulk(cell: _Cell) -> Script:
    unit = max(1, cell.profile.bulk_elements // 16)
    tensors = (
        Tensor((4 * unit + 13,), cell.dtype, cell.drawn("normal", "bulk", 0)),
        Tensor((4, unit), cell.dtype, cell.drawn("wide", "bulk", 1)),
        Tensor((2 * unit + 7,), cell.dtype, ZERO),
        Tensor((3, unit), cell.dtype, cell.drawn("uniform", "bulk", 3)),
        Tensor((3 * unit + 1,), cell.dtype, cell.drawn("normal", "bulk", 4, scale=1.0 / 64)),
    )
    groups = (
        Group((0, 1), cell.hyper(0, weight_decay=BETWEEN)),
        Group((2, 3), cell.hyper(1)),
        Group((4,), cell.hyper(2)),
    )
    regimes = ("normal", "wide", "normal", "wide", "normal")
    scales = (1.0, 1.0, 0.125, 1.0, 16.0)
    steps = tuple(
        Step(
            tuple(
                cell.drawn(regime, "bulk", number, index, scale=scale if regime == "normal" else 1.0)
                for index, (regime, scale) in enumerate(zip(regimes, scales, strict=True))
            ),
            overwrite=((2, ZERO),) if number else (),
        )
        for number in range(cell.profile.bulk_steps)
    )
    return Script(tensors, groups, steps)


def _always(cell: _Cell) -> bool:
    return True


def _has(name: str, cell: _Cell) -> bool:
    return name in domains_of(cell.rule) and name not in cell.fixed_hyper


def _turns(cell: _Cell) -> bool:
    """Whether the rule asks an element for a sign, by sign() or by a branch."""
    program = program_of(cell.rule)
    return any(not program.nodes[index].scalar for index in program.decisive)


def _mixes(cell: _Cell) -> bool:
    return bool(cell.companions)


def _averages(cell: _Cell) -> bool:
    return any(averages(domain) for name, domain in domains_of(cell.rule).items() if name not in cell.fixed_hyper)


BUILDERS = (
    ("two_groups", "Two groups hold different hyper-parameters.", _always, _two_groups),
    ("mixed_dtypes", "Tensors of different dtypes share one group.", _mixes, _mixed_dtypes),
    ("missing_gradients", "Some tensors have no gradient at some steps, and one step has none at all.", _always,
     _missing_gradients),
    ("shrinking_gradients", "Gradients shrink by a constant factor until they underflow.", _always,
     _shrinking_gradients),
    ("zeros_and_subnormals", "Gradients and parameters are zeros of both signs, subnormals, and neighbours of 1.",
     _always, _zeros_and_subnormals),
    ("epsilons", "eps is 1, an eighth of that, and 1e-16, over enough steps to reach a division that begins late.",
     partial(_has, "eps"), _epsilons),
    ("zero_rate", "The learning rate is 0, also where the gradient is.", partial(_has, "lr"), _zero_rate),
    ("many_steps", "Two tensors take many steps, with hyper-parameters of their own.", _always, _many_steps),
    ("layouts", "Tensors are 0-d to 4-d, empty, transposed, sliced and channels-last.", _always, _layouts),
    ("overwritten", "Parameters are overwritten between steps, mostly by 0.", _always, _overwritten),
    ("reloaded", "The state is saved and loaded before the first step and between others.", _always, _reloaded),
    ("scheduled", "The learning rate changes at every step, to 0 and back.", partial(_has, "lr"), _scheduled),
    ("turning_signs", "Gradients keep their sign, turn it, and rest at 0, until step sizes have reached both ends.",
     _turns, _turning_signs),
    ("short_memory", "Averaging factors are 0, 1/4 and 1/2.", _averages, _short_memory),
    ("bulk", "Thousands of elements of ordinary and of widely spread size, several groups.", _always, _bulk),
)  # fmt: skip
"""Name, sentence, when it applies, and how it is made: the corners in the order they are tried."""


def edge_cases(
    *,
    rule: Rule,
    dtype: str,
    profile: Profile,
    seed: int = 0,
    fixed_hyper: Mapping[str, float] | None = None,
    companions: Collection[str] = (),
) -> tuple[EdgeCase, ...]:
    """Return the corner scripts of one cell, the same for the same arguments.

    ``fixed_hyper`` fixes hyper-parameters, and leaves out corners that would vary them alone; ``companions``
    are dtypes that may stand beside ``dtype``. Raises ValueError for an unknown dtype.
    """
    if dtype not in FORMATS:
        raise ValueError(f"dtype={dtype!r}, but should be one of {', '.join(FORMATS)}")
    return _edge_cases(rule, dtype, companions_of(dtype, companions), profile, seed, tuple((fixed_hyper or {}).items()))


@lru_cache(maxsize=4)
def _edge_cases(
    rule: Rule,
    dtype: str,
    companions: tuple[str, ...],
    profile: Profile,
    seed: int,
    fixed_hyper: tuple[tuple[str, float], ...],
) -> tuple[EdgeCase, ...]:
    """Return the corner scripts, which the modes of a configuration share."""
    cell = _Cell(rule, dtype, companions, profile, seed, dict(fixed_hyper))
    return tuple(
        EdgeCase(
            name,
            sentence,
            replace(build(cell), label=name, objective=Quadratic(CURVATURE) if needs_objective(rule) else None),
        )
        for name, sentence, applies, build in BUILDERS
        if applies(cell)
    )


def _literal(dtype: str, values: tuple[float, ...]) -> Literal:
    """Return ``values`` for as many elements of ``dtype``; a complex element pairs a value with the next."""
    if not dtype.startswith("complex"):
        return Literal(values)
    return Literal(tuple(part for pair in zip(values, values[1:] + values[:1], strict=True) for part in pair))
