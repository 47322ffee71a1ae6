"""Points: inputs of an equation as fractions, for comparing two expressions without rounding."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from exam.exact import value
from stepcheck_reference.alphabet import g, mu, t, theta
from stepcheck_reference.domain import Domain
from stepcheck_reference.rule import Rule

Point = Mapping[Any, Fraction]


@cache
def points(rule: Rule, count: int = 8) -> tuple[Point, ...]:
    """Return ``count`` points of ``rule``, always the same, with hyper-parameters in their domains and some zeros."""
    generator = random.Random(7)

    def small() -> Fraction:
        return Fraction(generator.choice((0, -1, 1, -3, 5, generator.randint(-40, 40))), generator.randint(1, 9))

    def inside(domain: Domain) -> Fraction:
        low, high = Fraction(max(domain.low, -4)), Fraction(4 if math.isinf(domain.high) else domain.high)
        return low + (high - low) * Fraction(generator.randint(1, 9), 10)

    hyper, collected = rule.hyper, []
    for number in range(count):
        point = {symbol: small() for symbol in (theta, g, *rule.states, *rule.scalars)}
        point |= {symbol: inside(rule.domains[symbol]) for symbol in hyper}
        point |= {symbol: Fraction(constant) for symbol, constant in rule.constants.items()} | {
            t: Fraction(number // 2 + 1)
        }
        if mu in point and number % 2:
            point[mu] = Fraction(1)
        collected.append(point)
    return tuple(collected)


def result(expression: Any, point: Point) -> Fraction | None:
    """Return the value of ``expression`` at ``point``, or None where it divides by 0."""
    try:
        return value(expression, point.__getitem__)
    except ZeroDivisionError:
        return None


def differing_points(rule: Rule, left: Any, right: Any) -> list[Point]:
    """Return the points of ``rule`` at which two expressions differ; most have to be points where both are defined."""
    values = [(point, result(left, point), result(right, point)) for point in points(rule)]
    defined = [entry for entry in values if entry[1] is not None and entry[2] is not None]
    assert 2 * len(defined) >= len(values), f"{rule.name} is defined at {len(defined)} of {len(values)} points only"
    return [point for point, first, second in defined if first != second]
