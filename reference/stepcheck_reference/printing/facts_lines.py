"""Fact lines: the facts of a rule as sentences; unknown facts are omitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Rational, Symbol

from stepcheck_reference.alphabet import ALPHABET, lr
from stepcheck_reference.facts import (
    Homogeneity,
    homogeneity,
    is_linear_in_rate,
    is_sign_equivariant,
    is_translation_invariant,
    monotone_states,
    nonnegative_states,
    rest_factor,
    step_bound,
)
from stepcheck_reference.printing.notation import UNICODE, Writer
from stepcheck_reference.rule import Rule


def lines(rule: Rule) -> Iterator[str]:
    """Yield a sentence or two for each kind of fact that is proved or refuted."""
    writer = Writer(UNICODE, ALPHABET)
    scaling = homogeneity(rule)
    if scaling is not None:
        yield _scaling(scaling, writer)
    if is_sign_equivariant(rule):
        yield "negating parameters and gradients negates the steps"
    translation_invariant = is_translation_invariant(rule)
    if translation_invariant is not None:
        yield f"a step {'does not depend' if translation_invariant else 'depends'} on the values of the parameters"
    linear = is_linear_in_rate(rule)
    if linear is not None and lr in rule.hyper:
        yield f"a step is {'' if linear else 'not '}proportional to {writer.symbol(lr)}"
    for answers, what in ((nonnegative_states(rule), "never negative"), (monotone_states(rule), "never decreasing")):
        if states := _sure(answers):
            yield f"{what}: {', '.join(map(writer.symbol, states))}"
    bound = step_bound(rule)
    if bound is not None:
        yield f"no step is longer than {writer.write(bound)}"
    factor = rest_factor(rule)
    if factor is not None and not factor.has(*rule.scalars):
        effect = (
            "leave the parameters unchanged" if factor == 1 else f"multiply the parameters by {writer.write(factor)}"
        )
        yield f"zero gradients from the initial state {effect}"


def _scaling(scaling: Homogeneity, writer: Writer) -> str:
    zeros = " = ".join([*map(writer.symbol, scaling.at_zero), "0"])
    at = f"at {zeros} " if scaling.at_zero else ""
    effects = dict.fromkeys(_effect(degree) for _, degree in scaling.cases)
    return f"{at}scaling gradients by c > 0 {' in some cases, in others '.join(effects)}"


def _effect(degree: Rational) -> str:
    if degree == 0:
        return "changes no step"
    return f"multiplies steps by {'c' if degree == 1 else f'c^({degree})'}"


def _sure(answers: Mapping[Symbol, bool | None]) -> list[Symbol]:
    return [state for state, answer in answers.items() if answer]
