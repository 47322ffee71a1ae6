"""Linear rules on a quadratic: powers of a matrix, and whether they converge.

A monic z**2 - trace*z + det has both roots inside the unit circle where p(1), p(-1) and 1 - det are positive, and only
there: z = (1 + s)/(1 - s) takes the circle's inside to the left half plane and (1 - s)**2*p to
p(-1)*s**2 + 2*(1 - det)*s + p(1), whose roots are in it where all three are of one sign (Hurwitz); that sign is plus,
as their sum is 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Add, Eq, Expr, ImmutableMatrix, Integer, Symbol, cancel, expand, false

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import Part
from stepcheck_reference.algebra.transition import Transition, center, transition
from stepcheck_reference.alphabet import curvature, dampening, g, gradient_at, lr, momentum, t, theta
from stepcheck_reference.domain import FADING
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.signs import is_nonnegative
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.rules.momentum.nesterov import NESTEROV
from stepcheck_reference.rules.momentum.nesterov_lookahead import NESTEROV_LOOKAHEAD
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

bend = Symbol("bend", positive=True)
trace, det, s = (Symbol(name, real=True) for name in ("trace", "det", "s"))


def _powers(rule: Rule) -> Proof:
    found = transition(rule)
    if not isinstance(found, Transition):
        return Proof("undecided", found.reason)
    parts: list[Part] = []
    vector = ImmutableMatrix(found.vector)
    for matrix, known, when in (
        (found.first, {t: Integer(1)}, "step 1"),
        (found.matrix, {Eq(t, 1): false}, "a later step"),
    ):
        moved = matrix * vector
        for place, symbol in enumerate(found.vector):
            if symbol == 1:
                parts.append((moved[place] == 1, f"the constant stays in {when}"))
                continue
            parts.append((vanishes(moved[place] - _taken(rule, symbol).xreplace(known)), f"{symbol} in {when}"))
    parts.append((not found.matrix.has(t), "the matrix is the same at every later step"))
    return every(*parts, how="each step is the matrix times the vector, so t steps are its power, by induction")


def _taken(rule: Rule, symbol: Symbol) -> Expr:
    new = equations(rule)[symbol].replace(gradient_at, lambda place: curvature * (place - center))
    return new.xreplace({g: curvature * (theta - center)})


def _converges(slope: Expr, edge: Expr, *rest: Expr) -> Callable[[Rule], Proof]:
    """Return a proof that p(1) is slope*k and p(-1) is slope of its own times edge - k, with k = lr*curvature.

    1 - det is the sum of ``rest``, of which no term is negative where 0 <= momentum < 1 and k > 0.
    """

    def prove(rule: Rule) -> Proof:
        found = transition(rule, middle=Integer(0))
        if not isinstance(found, Transition):
            return Proof("undecided", found.reason)
        matrix = found.matrix
        one, two = (matrix.trace(), matrix.det())
        fall = cancel((2 + 2 * momentum) / edge)
        upper = fall * (edge - k)
        stable = replace(rule, domains={**rule.domains, momentum: FADING})
        signs = [part.xreplace({curvature: bend}) for part in (slope, fall, *rest)]
        mapped = expand((1 + s) ** 2 - trace * (1 + s) * (1 - s) + det * (1 - s) ** 2)
        hurwitz = (1 + trace + det) * s**2 + 2 * (1 - det) * s + (1 - trace + det)
        return every(
            (vanishes(mapped - hurwitz), "the circle's inside is the left half plane's image"),
            (matrix.shape == (2, 2), "theta and one buffer are all there is"),
            (vanishes(1 - one + two - slope * k), f"p(1) is {slope * k}"),
            (vanishes(1 + one + two - upper), f"p(-1) is {upper}"),
            (vanishes(1 - two - Add(*rest)), f"1 - det is {Add(*rest)}"),
            (sufficient(all(is_nonnegative(part, stable) for part in signs)), "their factors are not negative"),
            how=f"p(1) = {slope * k}, p(-1) = {upper} and 1 - det = {Add(*rest)} are positive exactly there (Jury)",
        )

    return prove


def _descends(rule: Rule) -> Proof:
    found = transition(rule, middle=Integer(0))
    if not isinstance(found, Transition):
        return Proof("undecided", found.reason)
    return every(
        (sufficient(found.matrix.shape == (1, 1)), "theta is all there is"),
        (vanishes(found.matrix[0] - (1 - lr * curvature)), "a step is 1 - lr*curvature"),
        how="theta is times 1 - lr*curvature a step, which is between -1 and 1 there and only there",
    )


k = lr * curvature
MATRIX_POWERS = Theorem(
    name="linear_rules_are_matrix_powers",
    sentence="On a quadratic the parameters after t steps are a power of a matrix times those at first.",
    source="each rule's equations",
    condition="the rule is linear in the gradient, with the same weights at every step but the first",
    applies=lambda rule: isinstance(transition(rule), Transition),
    prove=_powers,
)
SGD_CONVERGES = Theorem(
    name="sgd_converges_on_quadratics",
    sentence="Gradient descent converges on a quadratic exactly where 0 < lr*curvature < 2.",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5",
    condition="lr stays constant",
    rules=(SGD,),
    prove=_descends,
)
MOMENTUM_CONVERGES = Theorem(
    name="momentum_converges_on_quadratics",
    sentence="Momentum converges on a quadratic exactly where 0 < lr*curvature < 2*(1 + mu)/(1 - dampening).",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5; Jury's conditions",
    condition="0 <= mu < 1, dampening < 1, lr constant; from every start",
    rules=(MOMENTUM,),
    prove=_converges(1 - dampening, 2 * (1 + momentum) / (1 - dampening), 1 - momentum),
)
NESTEROV_CONVERGES = Theorem(
    name="nesterov_converges_on_quadratics",
    sentence="Nesterov momentum converges on a quadratic exactly where 0 < lr*curvature < (2 + 2*mu)/(1 + 2*mu).",
    source="Jury's conditions on torch's form",
    condition="0 <= mu < 1, lr constant; from every start",
    rules=(NESTEROV,),
    prove=_converges(Integer(1), (2 + 2 * momentum) / (1 + 2 * momentum), 1 - momentum, momentum * k),
)
LOOKAHEAD_CONVERGES = Theorem(
    name="nesterov_lookahead_converges_alike",
    sentence="Looking ahead converges on a quadratic exactly where torch's form does.",
    source="Jury's conditions on the look-ahead form",
    condition="0 <= mu < 1, lr constant; from every start",
    rules=(NESTEROV_LOOKAHEAD,),
    prove=_converges(Integer(1), (2 + 2 * momentum) / (1 + 2 * momentum), 1 - momentum, momentum * k),
)
