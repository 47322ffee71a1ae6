"""RAdam's rectification."""

from __future__ import annotations

from sympy import Expr, Piecewise, Symbol, exp, limit, oo, simplify

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import beta2, t, theta
from stepcheck_reference.facts.signs import is_nonnegative
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

now = Symbol("rho_now", positive=True)
end = Symbol("rho_end", positive=True)
decay = Symbol("decay", positive=True)
count = Symbol("count", positive=True)


def _goes_to_one(rule: Rule) -> Proof:
    rho_inf, rho_t = (unwrapped(rule.where[name]) for name in ("rho_inf", "rho_t"))
    rectification = _in_lengths(rule)
    behind = (rho_inf - rho_t).xreplace({beta2**t: exp(-decay * count), t: count})
    return every(
        (sufficient(rectification.free_symbols == {now, end}), "the rectification depends on rho_t and rho_inf alone"),
        (limit(behind, count, oo) == 0, "rho_t converges to rho_inf"),
        (vanishes(rectification.xreplace({now: end}) ** 2 - 1), "the rectification is 1 at rho_t = rho_inf"),
        how="rho_t = rho_inf - 2*t*beta2**t/(1 - beta2**t), whose last term converges to 0; r is continuous, and 1 at "
        "rho_t = rho_inf > 4",
    )


def _in_lengths(rule: Rule) -> Expr:
    """Return the rectification in rho_t and rho_inf."""
    rho_inf, rho_t = rule.where["rho_inf"], rule.where["rho_t"]
    return rule.where["rectification"].xreplace({rho_t: now, rho_inf: end})


def _threshold(rule: Rule) -> tuple[Expr, bool] | None:
    """Return the rho_t from which the rule rectifies, and whether it is included; None if no case depends on rho_t."""
    rho_t = rule.where["rho_t"]
    for case in rule.step[theta].atoms(Piecewise):
        condition = case.args[0][1]
        if condition.lhs == rho_t:
            return condition.rhs, "=" in condition.rel_op
    return None


def _never_below(rule: Rule) -> Proof:
    rho_inf, rho_t = (unwrapped(rule.where[name]) for name in ("rho_inf", "rho_t"))
    threshold = _threshold(rule)
    if threshold is None:
        return Proof("undecided", "no case depends on rho_t")
    least, closed = threshold
    edge = (least - 1) / (least + 1)
    under = Symbol("under", nonnegative=True)
    short = (least - rho_inf).xreplace({beta2: edge - under})
    behind = simplify((rho_inf - rho_t) * (1 - beta2**t))
    return every(
        (
            vanishes(short * (1 - edge + under) - (least + 1) * under),
            f"rho_inf is at most {least} if beta2 <= {edge}",
        ),
        (sufficient(is_nonnegative(behind, rule) and is_nonnegative(1 - beta2**t, rule)), "rho_t is at most rho_inf"),
        (vanishes(behind - 2 * t * beta2**t), "rho_t is below rho_inf unless beta2 = 0"),
        how=f"rho_t <= rho_inf = 2/(1 - beta2) - 1, which is at most {least} exactly where beta2 <= {edge}"
        + ("; no rho_t reaches it for beta2 > 0" if closed else ""),
    )


RECTIFICATION_GOES_TO_ONE = Theorem(
    name="radam_rectification_goes_to_1",
    sentence="RAdam's rectification converges to 1.",
    source="Liu et al. 2020, section 4, https://arxiv.org/abs/1908.03265",
    condition="rho_inf exceeds the rho_t from which the rule rectifies",
    applies=lambda rule: "rectification" in rule.where,
    prove=_goes_to_one,
)
NEVER_RECTIFIED = Theorem(
    name="radam_never_rectified",
    sentence="RAdam never rectifies if beta2 <= 2/3, or in the printed form, with rho > 4, if beta2 <= 3/5.",
    source="Liu et al. 2020, Algorithm 2, https://arxiv.org/abs/1908.03265",
    condition="the rule rectifies from a threshold of rho_t, which beta2 bounds",
    applies=lambda rule: "rectification" in rule.where,
    prove=_never_below,
)
