"""At zero: what a rule comes to with every hyper-parameter at 0 that may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sympy import Symbol

from stepcheck_properties.law import Facts
from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts import fixed, reduces
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script


@lru_cache(maxsize=256)
def zeros(rule: Rule, *kept: Symbol) -> tuple[Symbol, ...]:
    """Return the hyper-parameters that may be 0, but for lr and those that are ``kept``."""
    return tuple(symbol for symbol in rule.hyper if symbol not in (lr, *kept) and rule.domains[symbol].contains(0.0))


@lru_cache(maxsize=256)
def comes_to(rule: Rule, others: tuple[Rule, ...], *kept: Symbol) -> bool:
    """Whether, with its ``zeros`` at 0, ``rule`` is proved to take the steps of one of ``others``, by the same states.

    Those that are the same expression come first: SymPy takes long to simplify what is not.
    """
    values = dict.fromkeys(zeros(rule, *kept), 0)
    new = equations(fixed(rule, values))
    alike = [other for other in others if feeding(equations(other)) == feeding(new)]
    alike.sort(key=lambda other: equations(other)[theta] != new[theta])
    return any(reduces(rule, other, values) is True for other in alike)


def can_be_zero(facts: Facts, *kept: Symbol) -> bool:
    """Whether none of the ``zeros`` stands still at another number."""
    return not any(facts.fixed_hyper.get(str(symbol), 0.0) for symbol in zeros(facts.rule, *kept))


def none_of(rule: Rule, *kept: Symbol) -> dict[str, float]:
    """Return the ``zeros``, at 0."""
    return {str(symbol): 0.0 for symbol in zeros(rule, *kept)}


def are_zero(rule: Rule, values: Mapping[str, float], *kept: Symbol) -> bool:
    """Whether the ``zeros`` are 0 in ``values``."""
    return all(values.get(str(symbol), 0.0) == 0.0 for symbol in zeros(rule, *kept))


def is_steady(script: Script) -> bool:
    """Whether every tensor has a gradient at every step, and nothing is overwritten, skipped or interrupted."""
    return not any(step.overwrite or step.skip or step.reload or None in step.gradients for step in script.steps)
