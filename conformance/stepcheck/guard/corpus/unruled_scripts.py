"""Scripts for optimizers without a rule: the edge cases that need only names of arguments and shapes of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stepcheck_implementations.adapters.torch_optim_record_only import RecordOnly
from stepcheck_properties.scripts.baseline_scripts import CURVATURE, ZERO, drawn
from stepcheck_reference.scripts.script import Data, Group, Quadratic, Script, Step, Tensor


@dataclass(frozen=True, slots=True)
class _Subject:
    """An optimizer and a dtype, and what builds scripts for them."""

    entry: RecordOnly
    dtype: str

    def data(self, regime: str, *key: int | str, scale: float = 1.0) -> Data:
        return drawn(0, regime, "unruled", *key, scale=scale)

    def script(self, label: str, steps: Sequence[Step]) -> Script:
        entry = self.entry
        tensors = tuple(
            Tensor(shape, self.dtype, self.data("normal", label, index)) for index, shape in enumerate(entry.shapes)
        )
        last = len(tensors) - 1
        groups: tuple[Group, ...] = (Group(tuple(range(len(tensors))), entry.hyper[0]),)
        if len(entry.hyper) > 1:
            groups = (Group(tuple(range(last)), entry.hyper[0]), Group((last,), entry.hyper[1]))
        return Script(
            tensors,
            groups,
            tuple(steps),
            objective=Quadratic(CURVATURE) if entry.needs_objective else None,
            invocation=(entry.variant,) if entry.variant else (),
            label=label,
        )

    def random_steps(self, label: str, count: int, regime: str = "normal", scale: float = 1.0) -> list[Step]:
        return [
            Step(tuple(self.data(regime, label, number, index, scale=scale) for index in range(len(self.entry.shapes))))
            for number in range(count)
        ]


def _ordinary(subject: _Subject) -> list[Step]:
    return subject.random_steps("ordinary", 8)


def _wide(subject: _Subject) -> list[Step]:
    return subject.random_steps("wide", 4, "wide")


def _shrinking(subject: _Subject) -> list[Step]:
    return [
        step
        for exponent in range(8)
        for step in subject.random_steps(f"shrinking {exponent}", 1, scale=2.0 ** (-4 * exponent))
    ]


def _missing_gradients(subject: _Subject) -> list[Step]:
    return [
        replace(
            step,
            gradients=tuple(
                None if (number + index) % 3 == 0 else gradient for index, gradient in enumerate(step.gradients)
            ),
        )
        for number, step in enumerate(subject.random_steps("missing", 6))
    ]


def _zeros(subject: _Subject) -> list[Step]:
    steps = subject.random_steps("zeros", 4)
    return [replace(step, gradients=(ZERO,) * len(step.gradients)) if n % 2 else step for n, step in enumerate(steps)]


def _reloaded(subject: _Subject) -> list[Step]:
    return [
        replace(step, reload=number in (0, 1, 3)) for number, step in enumerate(subject.random_steps("reloaded", 5))
    ]


def _scheduled(subject: _Subject) -> list[Step]:
    if "lr" not in subject.entry.adapter.hyper:
        return []
    groups = range(min(2, len(subject.entry.hyper)))
    rates = (None, 0.05, 0.0, 0.3)
    return [
        replace(step, hyper=() if rate is None else tuple((group, "lr", rate) for group in groups))
        for step, rate in zip(subject.random_steps("scheduled", len(rates)), rates, strict=True)
    ]


def _overwritten(subject: _Subject) -> list[Step]:
    return [
        replace(step, overwrite=((0, ZERO),) if number % 2 else ())
        for number, step in enumerate(subject.random_steps("overwritten", 4))
    ]


BUILDERS: tuple[tuple[str, Callable[[_Subject], list[Step]]], ...] = (
    ("ordinary", _ordinary),
    ("wide", _wide),
    ("shrinking_gradients", _shrinking),
    ("missing_gradients", _missing_gradients),
    ("zeros", _zeros),
    ("reloaded", _reloaded),
    ("scheduled", _scheduled),
    ("overwritten", _overwritten),
)
"""Label of a script, and what builds its steps; none where the optimizer has no such hyper-parameter."""


def scripts(entry: RecordOnly, dtype: str) -> tuple[Script, ...]:
    """Return the scripts of one optimizer and dtype, the same for the same arguments."""
    subject = _Subject(entry, dtype)
    built = [(label, build(subject)) for label, build in BUILDERS]
    return tuple(subject.script(label, steps) for label, steps in built if steps)
