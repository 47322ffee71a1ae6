"""Linear rules on a quadratic: powers of a matrix, and where they converge.

A monic polynomial p(z) = z**2 - trace*z + det has both roots inside the unit circle if and only if p(1), p(-1) and
1 - det are positive: z = (1 + s)/(1 - s) maps the left half plane to the inside of the circle and (1 - s)**2*p to
p(-1)*s**2 + 2*(1 - det)*s + p(1), whose roots lie in the half plane if and only if all three coefficients have the same
sign (Hurwitz). That sign is plus, as they sum to 4.
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

positive_curvature = Symbol("positive_curvature", positive=True)
trace, det, s = (Symbol(name, real=True) for name in ("trace", "det", "s"))


def _powers(rule: Rule) -> Proof:
    linear = transition(rule)
    if not isinstance(linear, Transition):
        return Proof("undecided", linear.reason)
    parts: list[Part] = []
    vector = ImmutableMatrix(linear.vector)
    for matrix, substitution, when in (
        (linear.first, {t: Integer(1)}, "step 1"),
        (linear.matrix, {Eq(t, 1): false}, "a later step"),
    ):
        product = matrix * vector
        for index, symbol in enumerate(linear.vector):
            if symbol == 1:
                parts.append((product[index] == 1, f"the constant is unchanged by {when}"))
                continue
            parts.append(
                (
                    vanishes(product[index] - _on_quadratic(rule, symbol).xreplace(substitution)),
                    f"{symbol} after {when}",
                )
            )
    parts.append((not linear.matrix.has(t), "the matrix is the same at every later step"))
    return every(*parts, how="each step is the matrix times the vector, so by induction t steps are a power of it")


def _on_quadratic(rule: Rule, symbol: Symbol) -> Expr:
    new = equations(rule)[symbol].replace(gradient_at, lambda point: curvature * (point - center))
    return new.xreplace({g: curvature * (theta - center)})


def _converges(slope: Expr, edge: Expr, *rest: Expr) -> Callable[[Rule], Proof]:
    """Return a proof that p(1) is slope*k and p(-1) is a factor times edge - k, where k = lr*curvature.

    1 - det is the sum of ``rest``, whose terms are all nonnegative for 0 <= momentum < 1 and k > 0.
    """

    def prove(rule: Rule) -> Proof:
        linear = transition(rule, middle=Integer(0))
        if not isinstance(linear, Transition):
            return Proof("undecided", linear.reason)
        matrix = linear.matrix
        matrix_trace, matrix_det = (matrix.trace(), matrix.det())
        factor = cancel((2 + 2 * momentum) / edge)
        upper = factor * (edge - k)
        stable = replace(rule, domains={**rule.domains, momentum: FADING})
        signs = [part.xreplace({curvature: positive_curvature}) for part in (slope, factor, *rest)]
        mapped = expand((1 + s) ** 2 - trace * (1 + s) * (1 - s) + det * (1 - s) ** 2)
        hurwitz = (1 + trace + det) * s**2 + 2 * (1 - det) * s + (1 - trace + det)
        return every(
            (vanishes(mapped - hurwitz), "the inside of the circle is the image of the left half plane"),
            (matrix.shape == (2, 2), "theta and one buffer are the whole state"),
            (vanishes(1 - matrix_trace + matrix_det - slope * k), f"p(1) is {slope * k}"),
            (vanishes(1 + matrix_trace + matrix_det - upper), f"p(-1) is {upper}"),
            (vanishes(1 - matrix_det - Add(*rest)), f"1 - det is {Add(*rest)}"),
            (sufficient(all(is_nonnegative(part, stable) for part in signs)), "their factors are nonnegative"),
            how=f"p(1) = {slope * k}, p(-1) = {upper} and 1 - det = {Add(*rest)} "
            f"are positive exactly in this range (Jury)",
        )

    return prove


def _descends(rule: Rule) -> Proof:
    linear = transition(rule, middle=Integer(0))
    if not isinstance(linear, Transition):
        return Proof("undecided", linear.reason)
    return every(
        (sufficient(linear.matrix.shape == (1, 1)), "theta is the whole state"),
        (vanishes(linear.matrix[0] - (1 - lr * curvature)), "a step multiplies theta by 1 - lr*curvature"),
        how="a step multiplies theta by 1 - lr*curvature, which is between -1 and 1 exactly in that range",
    )


k = lr * curvature
MATRIX_POWERS = Theorem(
    name="linear_rules_are_matrix_powers",
    sentence="On a quadratic, t steps are a power of a matrix applied to the parameters and states.",
    source="each rule's equations",
    condition="the rule is linear in the gradient, with the same weights at every step but the first",
    applies=lambda rule: isinstance(transition(rule), Transition),
    prove=_powers,
)
SGD_CONVERGES = Theorem(
    name="sgd_converges_on_quadratics",
    sentence="Gradient descent converges on a quadratic exactly where 0 < lr*curvature < 2.",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5",
    condition="lr constant",
    rules=(SGD,),
    prove=_descends,
)
MOMENTUM_CONVERGES = Theorem(
    name="momentum_converges_on_quadratics",
    sentence="Momentum converges on a quadratic exactly where 0 < lr*curvature < 2*(1 + mu)/(1 - dampening).",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5; Jury's conditions",
    condition="0 <= mu < 1, dampening < 1, lr constant; from every initial value",
    rules=(MOMENTUM,),
    prove=_converges(1 - dampening, 2 * (1 + momentum) / (1 - dampening), 1 - momentum),
)
NESTEROV_CONVERGES = Theorem(
    name="nesterov_converges_on_quadratics",
    sentence="Nesterov momentum converges on a quadratic exactly where 0 < lr*curvature < (2 + 2*mu)/(1 + 2*mu).",
    source="Jury's conditions on torch's form",
    condition="0 <= mu < 1, lr constant; from every initial value",
    rules=(NESTEROV,),
    prove=_converges(Integer(1), (2 + 2 * momentum) / (1 + 2 * momentum), 1 - momentum, momentum * k),
)
LOOKAHEAD_CONVERGES = Theorem(
    name="nesterov_lookahead_converges_as_torch_form",
    sentence="Look-ahead Nesterov momentum converges on a quadratic exactly where torch's form does.",
    source="Jury's conditions on the look-ahead form",
    condition="0 <= mu < 1, lr constant; from every initial value",
    rules=(NESTEROV_LOOKAHEAD,),
    prove=_converges(Integer(1), (2 + 2 * momentum) / (1 + 2 * momentum), 1 - momentum, momentum * k),
)
