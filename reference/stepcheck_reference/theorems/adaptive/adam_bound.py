"""The largest step of Adam: the Cauchy-Schwarz inequality on its two moments.

With m = (1 - beta1)*M and v = (1 - beta2)*V, M and V are sums whose newest gradient has weight 1. S is the sum of r**i
over i < t with r = beta1**2/beta2, so S_t = 1 + r*S.
"""

from __future__ import annotations

from fractions import Fraction

from sympy import Expr, Integer, Pow, Rational, Symbol, diff, exp, limit, oo, sqrt

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import Part
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, t, theta, v, weight_decay
from stepcheck_reference.facts import fixed
from stepcheck_reference.facts.equations import cases, equations, step_of
from stepcheck_reference.facts.signs import is_at_most_one, is_nonnegative
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

sum_m = Symbol("M", real=True)
sum_v = Symbol("V", nonnegative=True)
ages = Symbol("S", positive=True)
root = Symbol("root", positive=True)
ratio = beta1**2 / beta2

SUMS = {m: (1 - beta1) * sum_m, v: (1 - beta2) * sum_v}
DEFAULTS = {beta1: Rational(9, 10), beta2: Rational(999, 1000)}
SQUARED = ((1 - beta1) / (1 - beta1**t)) ** 2 * (1 - beta2**t) / (1 - beta2) * ages
"""The square of B_t."""


def _bounded(rule: Rule) -> Proof:
    new = equations(fixed(rule, {weight_decay: 0}))
    m_t = new[m].xreplace(SUMS) / (1 - beta1)
    v_t = new[v].xreplace(SUMS) / (1 - beta2)
    s_t = 1 + ratio * ages
    before = sum_v * ages - sum_m**2
    after = v_t * s_t - m_t**2
    square = (beta2 * sum_m - beta1 * ages * g) ** 2 / beta2
    no_gradients = {sum_m: Integer(0), sum_v: Integer(0)}
    return every(
        (sufficient(rule.init == {m: 0, v: 0}), "both moments start at 0"),
        (vanishes(after.xreplace(no_gradients).xreplace({ages: Integer(0)})), "V*S - M**2 is 0 after step 1"),
        (vanishes(ages * after - (beta1**2 * ages + beta2) * before - square), "V*S - M**2 remains a sum of squares"),
        *_step_in_moments(rule),
        how="V*S - M**2 is 0 after step 1, and S*(V*S - M**2)_t = (beta1**2*S + beta2)*(V*S - M**2) + "
        "(beta2*M - beta1*S*g)**2/beta2; at eps = 0, step**2 = lr**2*B_t**2*M**2/(V*S), and eps only shortens it",
    )


def _step_in_moments(rule: Rule) -> list[Part]:
    """Return the proof that at eps = 0 the step squared is lr**2*B_t**2*M**2/(V*S), and that eps only shortens it."""
    new = equations(fixed(rule, {weight_decay: 0}))
    new_m, new_v = (Symbol(name, positive=True) for name in ("new_m", "new_v"))
    old_moments = {m: (new_m - (1 - beta1) * g) / beta1, v: (new_v - (1 - beta2) * g**2) / beta2}
    step = step_of(new).xreplace(old_moments)
    bare = (step.xreplace({eps: Integer(0)})) ** 2
    expected = lr**2 * SQUARED * (new_m / (1 - beta1)) ** 2 / (new_v / (1 - beta2) * ages)
    divisors = [power.base for power in step.atoms(Pow) if power.has(eps) and power.exp.is_negative]
    outer = [base for base in divisors if not any(base != other and other.has(base) for other in divisors)]
    grows = all(_at_a_root(diff(base, eps)).is_nonnegative for base in outer)
    without_divisors = step.xreplace({base: Symbol(f"divisor{index}") for index, base in enumerate(outer)})
    return [
        (vanishes(_at_a_root(bare) - _at_a_root(expected)), "step**2 is lr**2*B_t**2*M**2/(V*S) at eps = 0"),
        (
            sufficient(bool(outer) and grows and not without_divisors.has(eps)),
            "eps occurs in the divisor alone, and increases it",
        ),
    ]


def _at_a_root(expression: Expr) -> Expr:
    """Return ``expression`` with 1 - beta2**t written as a square, so that SymPy takes its root."""
    return expression.xreplace({1 - beta2**t: root**2})


def _is_adam_without_eps(rule: Rule) -> bool:
    """Return whether the rule has Adam's moments, which start at 0, and at eps = weight_decay = 0 its step."""
    if rule.init != {m: 0, v: 0} or len(cases(rule)) > 1:
        return False
    rule_equations, adam_equations = (equations(fixed(one, {eps: 0, weight_decay: 0})) for one in (rule, ADAM))
    if any(rule_equations[state] != adam_equations[state] for state in (m, v)):
        return False
    moments = {adam_equations[m]: Symbol("new_m", real=True), adam_equations[v]: Symbol("new_v", positive=True)}
    steps = (_at_a_root(step_of(new).xreplace(moments)) for new in (rule_equations, adam_equations))
    return vanishes(next(steps) - next(steps)) is True


def _attained(rule: Rule) -> Proof:
    """Return a proof that M_t = g_t*S_t and V_t = g_t**2*S_t for gradients q**(t - 1), q = beta2/beta1."""
    new = equations(rule)
    growth, size = beta2 / beta1, Symbol("size", positive=True)
    values = {m: (1 - beta1) * size * ages, v: (1 - beta2) * size**2 * ages, g: size * growth}
    s_t = 1 + ratio * ages
    parts: list[Part] = [
        (vanishes(new[m].xreplace(values) - (1 - beta1) * size * growth * s_t), "M_t is g_t*S_t"),
        (vanishes(new[v].xreplace(values) - (1 - beta2) * (size * growth) ** 2 * s_t), "V_t is g_t**2*S_t"),
    ]
    hyper = {**DEFAULTS, eps: Integer(0), lr: Integer(1)}
    q = DEFAULTS[beta2] / DEFAULTS[beta1]
    trace = iterate(rule, hyper, Integer(0), [q**step for step in range(5)])
    total = Integer(0)
    for step in range(1, 6):
        total = 1 + ratio.xreplace(DEFAULTS) * total
        longest = SQUARED.xreplace({**DEFAULTS, t: Integer(step), ages: total})
        difference = trace[step][theta] - trace[step - 1][theta]
        parts.append((vanishes(difference**2 - longest), f"step {step} is lr*B_{step}"))
    return every(
        *parts,
        how="by induction M_t = g_t*S_t and V_t = g_t**2*S_t, so M**2 = V*S; five exact steps at the defaults agree",
    )


def _limit(rule: Rule) -> Proof:
    new = equations(rule)
    decays = [parts[0] for state in (m, v) if (parts := split(new[state], state)) is not None]
    decay, count = Symbol("decay", positive=True), Symbol("count", positive=True)
    end = (1 - beta1) / sqrt((1 - beta2) * (1 - ratio))
    powers = Symbol("p1"), Symbol("p2"), Symbol("pr")
    closed = ((1 - beta1) / (1 - powers[0])) ** 2 * (1 - powers[1]) / (1 - beta2) * (1 - powers[2]) / (1 - ratio)
    number = end.xreplace(DEFAULTS)
    return every(
        (
            vanishes(decays[0] ** 2 / decays[1] - ratio) if len(decays) == 2 else None,
            "moments decay by beta1 and beta2",
        ),
        (bool(Rational(7265, 1000) < number < Rational(7275, 1000)), "B is 7.27 at the defaults"),
        (limit(exp(-decay * count), count, oo) == 0, "a power of a number below 1 converges to 0"),
        (vanishes(closed.xreplace(dict.fromkeys(powers, Integer(0))) - end**2), "B_t**2 without its powers is B**2"),
        how=f"beta1**t, beta2**t and r**t converge to 0, which leaves B = {end}: {float(number):.2f} at the defaults",
    )


def _unbounded(rule: Rule) -> Proof:
    over, more, count = (Symbol(name, nonnegative=True) for name in ("over", "more", "count"))
    sums = (1 + (1 + over) * (count + more)) - (count + 1)
    return every(
        (sufficient(is_nonnegative(sums.expand(), rule)), "if r >= 1, S >= t - 1 implies S_t >= t"),
        (sufficient(is_at_most_one(1 - beta1**t, rule)), "1 - beta1**t is at most 1"),
        (sufficient(is_nonnegative(beta2 * (1 - beta2**t), rule)), "1 - beta2**(t + 1) is at least 1 - beta2"),
        how="if r = beta1**2/beta2 >= 1, S_t >= t by induction, and B_t >= (1 - beta1)*sqrt(S_t)",
    )


def _printed(rule: Rule) -> Proof:
    """Return a proof that steps exceed lr*(1 - beta1)/sqrt(1 - beta2), and lr where that is smaller."""
    hyper = {beta1: Rational(1, 2), beta2: Rational(3, 4), eps: Integer(0), lr: Integer(1)}
    trace = iterate(rule, hyper, Integer(0), [Integer(1), Rational(3, 2)])
    square = ((trace[2][theta] - trace[1][theta]) ** 2).expand()
    first = _first_exceeding(Fraction(9, 10), Fraction(999, 1000))
    return every(
        (bool(square > 1), "a step exceeds lr although 1 - beta1 <= sqrt(1 - beta2)"),
        (first is not None, "B_t exceeds (1 - beta1)/sqrt(1 - beta2) at the defaults"),
        how=f"at beta1 = 1/2, beta2 = 3/4, eps = 0 and g = 1, 3/2 the second step is lr*sqrt({square}), but the "
        f"printed bound is lr; at the defaults B_t exceeds the printed 3.16 from t = {first} on",
    )


def _first_exceeding(beta_1: Fraction, beta_2: Fraction) -> int | None:
    """Return the first t at which B_t**2 exceeds (1 - beta1)**2/(1 - beta2), exactly."""
    total, r = Fraction(0), beta_1 * beta_1 / beta_2
    for step in range(1, 400):
        total = 1 + r * total
        square = ((1 - beta_1) / (1 - beta_1**step)) ** 2 * (1 - beta_2**step) / (1 - beta_2) * total
        if square > (1 - beta_1) ** 2 / (1 - beta_2):
            return step
    return None


KINGMA = "Kingma & Ba 2015, section 2.1, https://arxiv.org/abs/1412.6980"
BOUND = Theorem(
    name="adam_step_bound",
    sentence="|step| <= lr*(1-beta1)/(1-beta1^t)*sqrt((1-beta2^t)/(1-beta2)*S), where S sums (beta1^2/beta2)^i, i < t.",
    source="Cauchy-Schwarz inequality on the two moments",
    condition="the rule is Adam at eps = weight_decay = 0; 0 < beta2, eps >= 0",
    applies=_is_adam_without_eps,
    prove=_bounded,
)
BOUND_ATTAINED = Theorem(
    name="adam_step_bound_attained",
    sentence="Gradients that grow by a factor of beta2/beta1 per step make every step of Adam exactly lr*B_t.",
    source="the equality case of the Cauchy-Schwarz inequality",
    condition="eps = 0, beta1 and beta2 not 0",
    rules=(ADAM,),
    prove=_attained,
)
BOUND_LIMIT = Theorem(
    name="adam_step_bound_limit",
    sentence="If beta1^2 < beta2, B_t converges to (1-beta1)/sqrt((1-beta2)*(1-beta1^2/beta2)): 7.27 at the defaults.",
    source="geometric sums",
    condition="beta1**2 < beta2 < 1",
    rules=(ADAM,),
    prove=_limit,
)
BOUND_GROWS = Theorem(
    name="adam_step_unbounded",
    sentence="If beta1^2 >= beta2, steps of Adam are unbounded: they can reach lr*(1-beta1)*sqrt(t) and more.",
    source="geometric sums",
    condition="beta1**2 >= beta2 > 0, eps = 0",
    rules=(ADAM,),
    prove=_unbounded,
)
PRINTED_BOUND_FAILS = Theorem(
    name="adam_printed_bound_fails",
    sentence="Adam's steps can exceed the bound printed in Kingma & Ba, in both of its cases.",
    source=KINGMA,
    condition="the printed bound is lr*(1 - beta1)/sqrt(1 - beta2) if 1 - beta1 > sqrt(1 - beta2), and lr otherwise",
    rules=(ADAM,),
    prove=_printed,
)
