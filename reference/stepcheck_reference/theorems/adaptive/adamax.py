"""AdaMax as the limit of moments of order p, and the limit with a plain weight.

Let a >= b be two magnitudes, A = a**p and B = b**p, so that 0 <= B <= A. Both limits follow from bounds of the p-th
root that are a times a factor that converges to 1.
"""

from __future__ import annotations

from sympy import Abs, Expr, Max, Symbol, limit, oo

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import Part
from stepcheck_reference.alphabet import beta2, eps, g, u
from stepcheck_reference.facts import fixed
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.signs import is_nonnegative
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adamax.adamax import ADAMAX
from stepcheck_reference.rules.adamax.adamax_keras import ADAMAX_KERAS
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

order = Symbol("order", positive=True)
lower = Symbol("lower", nonnegative=True)
over = Symbol("over", nonnegative=True)
factor = Symbol("factor", positive=True)


def _squeezed(rule: Rule, small: Expr, large: Expr, least: Expr, most: Expr, what: str) -> list[Part]:
    """Return the parts of a proof that small*x + large*y lies between least and most times the larger of x and y."""
    higher = lower + over
    parts: list[Part] = []
    for first, second, larger in ((higher, lower, "the old"), (lower, higher, "the new")):
        sum_of = small * first + large * second
        parts.append(
            (
                sufficient(is_nonnegative((sum_of - least * higher).expand(), rule)),
                f"{what} from below if {larger} is larger",
            )
        )
        parts.append(
            (
                sufficient(is_nonnegative((most * higher - sum_of).expand(), rule)),
                f"{what} from above if {larger} is larger",
            )
        )
    return parts


def _power_limit(*rules: Rule) -> Proof:
    least, new_excess, power = (
        Symbol("least", positive=True),
        Symbol("new_excess", nonnegative=True),
        beta2 ** (1 + over),
    )
    new_weight = least + new_excess
    old_weight = new_weight + Symbol("power", nonnegative=True)
    sum_of_weights = (1 - beta2) + (beta2 - power) + power
    parts: list[Part] = [
        *_squeezed(rules[0], old_weight, new_weight, least, 2 * old_weight, "the sum is bounded"),
        (vanishes(sum_of_weights - 1), "1 is the sum of 1 - beta2, beta2 - beta2**p and beta2**p"),
        (
            sufficient(is_nonnegative(beta2 * (1 - beta2**over), rules[0])),
            "beta2 - beta2**p is nonnegative for p >= 1",
        ),
        (limit(factor ** (1 / order), order, oo) == 1, "the p-th root of a positive number converges to 1"),
    ]
    for rule in rules:
        new = equations(fixed(rule, {eps: 0}))
        parts.append((new[u] == Max(beta2 * u, Abs(g)), f"{rule.name} at eps = 0 takes max(beta2*u, |g|)"))
    return every(
        *parts,
        how="with U**p for the old moment, ((beta2*U)**p + (1 - beta2**p)*|g|**p)**(1/p) is between (1 - beta2)**(1/p) "
        "and 2**(1/p) times max(beta2*U, |g|), and both factors converge to 1",
    )


def _plain_limit(rule: Rule) -> Proof:
    difference, least = Symbol("difference", positive=True), Symbol("least", positive=True)
    parts = [
        *_squeezed(
            rule,
            least,
            least + difference,
            least,
            2 * least + difference,
            "if the old value weighs less, the average is bounded",
        ),
        *_squeezed(
            rule,
            least + difference,
            least,
            least,
            2 * least + difference,
            "if the new value weighs less, the average is bounded",
        ),
        (limit(factor ** (1 / order), order, oo) == 1, "the p-th root of a positive number converges to 1"),
        (equations(fixed(rule, {eps: 0}))[u] != Max(u, Abs(g)), "the rule's own maximum decays its old value"),
    ]
    return every(
        *parts,
        how="(beta2*U**p + (1 - beta2)*|g|**p)**(1/p) is between min(beta2, 1 - beta2)**(1/p) and 1 times max(U, |g|)",
    )


KINGMA = "Kingma & Ba 2015, section 7.1, https://arxiv.org/abs/1412.6980"
ADAMAX_IS_A_LIMIT = Theorem(
    name="adamax_is_a_limit",
    sentence="AdaMax' u is the limit, as p -> oo, of the p-th root of v <- beta2^p*v + (1 - beta2^p)*|g|^p.",
    source=KINGMA,
    condition="eps = 0, 0 < beta2 < 1",
    rules=(ADAMAX, ADAMAX_KERAS),
    prove=_power_limit,
)
PLAIN_LIMIT_NEVER_DECAYS = Theorem(
    name="adamax_needs_the_power",
    sentence="With beta2 in place of beta2^p the limit is max(u, |g|), which never decays, so it is not AdaMax.",
    source=KINGMA,
    condition="eps = 0, 0 < beta2 < 1",
    rules=(ADAMAX_KERAS,),
    prove=_plain_limit,
)
