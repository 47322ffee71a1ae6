"""Strategies for scripts: everything done to an optimizer, drawn as plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from stepcheck_properties.strategies.gradients import COMMON_REGIMES, NONFINITE, gradients, seeds
from stepcheck_properties.strategies.hyper_parameters import ORDERED, domains_of, hyper_parameters, hyper_values
from stepcheck_properties.strategies.layouts import layouts
from stepcheck_properties.strategies.shapes import shapes
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Drawn, Group, Literal, Quadratic, Script, Step, Tensor

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule

DETAILED_STEPS = 12
"""Steps whose events and gradients are drawn one by one; later ones follow their tensor's series."""

CURVATURES = (1.0, 0.75, 2.0, 0.1, 0.0)
"""Curvatures of the objective, where a rule needs one."""

LONG_RUNS = (20, 30, 60, 100, 150, 200, 257, 300)
"""Lengths of the long scripts, one in ten where they are allowed; bfloat16 counts to 256."""


@dataclass(frozen=True, slots=True)
class _Series:
    """A tensor's default gradients: one regime, a seed for each step, shrinking by ``2**-fall``."""

    regime: str
    seed: int
    exponent: int
    fall: int

    def at(self, step: int) -> Drawn:
        return Drawn(self.regime, self.seed + step, 2.0 ** max(-1000, self.exponent - self.fall * step))


@st.composite
def _tensors(draw: st.DrawFn, dtype: str, max_dims: int) -> Tensor:
    shape = draw(shapes(max_dims=max_dims))
    layout = draw(layouts(shape=shape))
    size = Tensor(shape, dtype, Literal((0.0,))).size
    return Tensor(shape, dtype, draw(gradients(size=size, dtype=dtype)), layout)


def tensors(*, dtype: str, max_dims: int = 4) -> st.SearchStrategy[Tensor]:
    """Return a strategy for parameters: shape, layout and initial values, shrinking to one 0-d zero.

    Raises ValueError for an unknown dtype.
    """
    if dtype not in FORMATS:
        raise ValueError(f"dtype={dtype!r}, but should be one of {', '.join(FORMATS)}")
    return _tensors(dtype=dtype, max_dims=max_dims)


@st.composite
def _series(draw: st.DrawFn) -> _Series:
    regime = draw(st.sampled_from(COMMON_REGIMES))
    ranged = regime in ("wide", "tiny", "huge")
    exponent = 0 if ranged else draw(st.integers(-10, 6))
    fall = 0 if ranged or draw(st.integers(0, 2)) < 2 else draw(st.integers(1, 20))
    return _Series(regime, draw(seeds()), exponent, fall)


def _gradient(draw: st.DrawFn, tensor: Tensor, series: _Series, step: int) -> Data | None:
    kind = draw(st.integers(0, 99))
    if kind < 66:
        return series.at(step)
    if kind < 78:
        return None
    if kind < 84:
        return Literal((0.0,))
    if kind == 99 and draw(st.integers(0, 2)) == 2:
        return replace(series.at(step), specials=((0, draw(st.sampled_from(NONFINITE))),))
    return draw(gradients(size=tensor.size, dtype=tensor.dtype))


def _overwrites(draw: st.DrawFn, placed: tuple[Tensor, ...]) -> tuple[tuple[int, Data], ...]:
    index = draw(st.integers(0, len(placed) - 1))
    if draw(st.booleans()):
        return ((index, draw(gradients(size=placed[index].size, dtype=placed[index].dtype))),)
    return ((index, Literal((0.0,))),)


def _changes(
    draw: st.DrawFn, rule: Rule, groups: tuple[Group, ...], free: tuple[str, ...]
) -> tuple[tuple[int, str, float], ...]:
    if not free:
        return ()
    group = draw(st.integers(0, len(groups) - 1))
    name = "lr" if "lr" in free and draw(st.integers(0, 3)) < 3 else draw(st.sampled_from(free))
    return ((group, name, draw(hyper_values(rule=rule, name=name))),)


def _length(draw: st.DrawFn, max_steps: int) -> int:
    if max_steps > DETAILED_STEPS and draw(st.integers(0, 9)) == 9:
        return min(max_steps, draw(st.sampled_from(LONG_RUNS)))
    return draw(st.integers(1, min(max_steps, DETAILED_STEPS)))


@st.composite
def _scripts(
    draw: st.DrawFn,
    rule: Rule,
    dtype: str,
    companions: tuple[str, ...],
    max_steps: int,
    max_tensors: int,
    max_groups: int,
    fixed_hyper: Mapping[str, float],
) -> Script:
    count = draw(st.integers(1, max_tensors))
    placed: list[Tensor] = []
    for index in range(count):
        mixed = index > 0 and companions and draw(st.integers(0, 2)) == 2
        placed.append(draw(_tensors(draw(st.sampled_from(companions)) if mixed else dtype, 4)))
    members: dict[int, list[int]] = {}
    for index in range(count):
        members.setdefault(draw(st.integers(0, min(index, max_groups - 1))), []).append(index)
    groups = tuple(
        Group(tuple(indices), draw(hyper_parameters(rule=rule, fixed_hyper=fixed_hyper)))
        for indices in members.values()
    )
    series = [draw(_series()) for _ in range(count)]
    bounds = {name for pair in ORDERED for name in pair}
    free = tuple(name for name in domains_of(rule) if name not in fixed_hyper and name not in bounds)
    steps = []
    length = _length(draw, max_steps)
    for number in range(min(length, DETAILED_STEPS)):
        event = draw(st.integers(0, 99))
        steps.append(
            Step(
                gradients=tuple(
                    _gradient(draw, tensor, plan, number) for tensor, plan in zip(placed, series, strict=True)
                ),
                hyper=_changes(draw, rule, groups, free) if 70 <= event < 84 or event == 99 else (),
                overwrite=_overwrites(draw, tuple(placed)) if 84 <= event < 92 or event == 99 else (),
                reload=event >= 92,
            )
        )
    for number in range(DETAILED_STEPS, length):
        steps.append(Step(gradients=tuple(plan.at(number) for plan in series)))
    objective = Quadratic(draw(st.sampled_from(CURVATURES))) if needs_objective(rule) else None
    return Script(tuple(placed), groups, tuple(steps), objective)


def scripts(
    *,
    rule: Rule,
    dtype: str,
    companions: Collection[str] = (),
    max_steps: int = 8,
    max_tensors: int = 4,
    max_groups: int = 3,
    fixed_hyper: Mapping[str, float] | None = None,
) -> st.SearchStrategy[Script]:
    """Return a strategy for scripts that a subject of ``rule`` can be put through.

    The first tensor has ``dtype``; the others may have one of those ``companions`` that are real or complex like it.
    ``fixed_hyper`` fixes hyper-parameters. Shrinks toward one 0-d parameter, one step and the plainest
    hyper-parameters. Raises ValueError for an unknown dtype or a bound below 1.
    """
    for what, bound in (("max_steps", max_steps), ("max_tensors", max_tensors), ("max_groups", max_groups)):
        if not 1 <= bound <= 300:
            raise ValueError(f"{what}={bound}, but should be 1 to 300")
    for name in (dtype, *companions):
        if name not in FORMATS:
            raise ValueError(f"dtype={name!r}, but should be one of {', '.join(FORMATS)}")
    return _scripts(
        rule=rule,
        dtype=dtype,
        companions=companions_of(dtype, companions),
        max_steps=max_steps,
        max_tensors=min(max_tensors, 99),
        max_groups=min(max_groups, 99),
        fixed_hyper=dict(fixed_hyper or {}),
    )


def companions_of(dtype: str, among: Collection[str]) -> tuple[str, ...]:
    """Return the other dtypes of ``among``, real or complex like ``dtype``, in the order of ``FORMATS``."""
    return tuple(name for name in FORMATS if name in among and name != dtype and is_complex(name) == is_complex(dtype))
