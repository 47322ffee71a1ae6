"""Bias correction of moments: exact for constant gradients, unbiased, and vanishing."""

from __future__ import annotations

from sympy import Integer, Piecewise, Symbol, diff, exp, limit, oo

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import solves
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import beta1, beta2, g, m, t, theta, v
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.rewrites.no_bias_correction import corrections
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

decay, count = Symbol("decay", positive=True), Symbol("count", positive=True)


def _corrects(rule: Rule) -> bool:
    """Return whether both moments start at 0, depend on gradients alone, and are divided by 1 - beta**t."""
    new = equations(rule)
    divisors = corrections(new[theta])
    return (
        rule.init.get(m) == rule.init.get(v) == 0
        and {1 - beta1**t, 1 - beta2**t} <= divisors
        and new[m].free_symbols <= {m, g, beta1}
        and new[v].free_symbols <= {v, g, beta2}
        and not any(theta in new[state].free_symbols for state in feeding(new))
    )


def _gradient_sign(rule: Rule) -> int:
    """Return -1 where the first moment averages negated gradients, as with maximize, else 1."""
    parts = split(equations(rule)[m], g)
    return -1 if parts is not None and vanishes(parts[0] + 1 - beta1) else 1


def _constant(rule: Rule) -> Proof:
    direction = _gradient_sign(rule)
    return every(
        *solves(rule, {m: direction * g * (1 - beta1**t), v: g**2 * (1 - beta2**t)}, g),
        how=f"by induction m = {direction * g}*(1 - beta1**t) and v = g**2*(1 - beta2**t), which the corrections undo",
    )


def _mean(rule: Rule) -> Proof:
    new = equations(rule)
    linear = [split(new[state], state) for state in (m, v)]
    ones = {m: _gradient_sign(rule) * (1 - beta1**t), v: 1 - beta2**t}
    return every(
        (
            sufficient(all(parts is not None and not parts[0].has(g) for parts in linear)),
            "the decay of the moments does not depend on the gradient",
        ),
        (sufficient(split(new[m], g) is not None), "the first moment is linear in the gradients"),
        (vanishes(diff(new[v], g, g, g)), "the second moment contains no higher power of a gradient"),
        (vanishes(diff(new[v], g).xreplace({g: Integer(0)})), "the second moment contains gradients only squared"),
        (
            sufficient(split(new[v].xreplace({g**2: g}), g) is not None),
            "the second moment is linear in their squares",
        ),
        *solves(rule, ones, Integer(1)),
        how="the moments are linear in gradients and their squares, and the weights sum to 1 - beta**t by induction",
    )


def _vanishes(rule: Rule) -> Proof:
    parts = []
    for correction in sorted(corrections(equations(rule)[theta]), key=str):
        power = 1 - correction
        beta = power.base
        parts.append((vanishes(power.xreplace({t: t + 1}) - beta * power), f"a step multiplies {power} by {beta}"))
        parts.append((limit(power.xreplace({power: exp(-decay * count)}), count, oo) == 0, f"{power} converges to 0"))
    return every(
        (sufficient(bool(parts)), "there is a correction"),
        *parts,
        how="1 - (1 - beta**t) is beta**t, which is multiplied by beta at each step",
    )


KINGMA = "Kingma & Ba 2015, section 3, https://arxiv.org/abs/1412.6980"
CONSTANT_GRADIENT = Theorem(
    name="constant_gradient_is_its_corrected_moments",
    sentence="For a constant gradient the corrected moments are exactly g and g^2 at every step.",
    source=KINGMA,
    condition="the rule divides moments of g and g^2 by 1 - beta**t; -g where it maximizes",
    applies=_corrects,
    prove=_constant,
)
MEAN_GRADIENT = Theorem(
    name="corrected_moments_are_unbiased",
    sentence="For stationary gradients the corrected moments have expectation E[g] and E[g^2].",
    source=KINGMA,
    condition="the rule divides moments of g and g^2 by 1 - beta**t; the gradients' means do not change, and "
    "moments average every gradient",
    applies=lambda rule: _corrects(rule) and not any(rule.step[moment].has(Piecewise) for moment in (m, v)),
    prove=_mean,
)
CORRECTIONS_VANISH = Theorem(
    name="corrections_go_to_1",
    sentence="Bias corrections converge to 1, with a difference of beta^t.",
    source=KINGMA,
    condition="the rule has a correction 1 - beta**t",
    applies=lambda rule: bool(corrections(equations(rule)[theta])),
    prove=_vanishes,
)
