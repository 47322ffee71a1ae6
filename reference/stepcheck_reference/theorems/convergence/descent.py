"""Descent: how fast values decrease on convex functions, by potentials that never increase.

At a point with value f and gradient g, convexity means f(z) = f + g*(z - point) + slack, and a gradient with Lipschitz
constant at most 1/lr means f(point - lr*g) = f - lr*g**2/2 - slack, where no slack is negative. A potential decreases
by a weighted sum of slacks. Products of g and z are inner products, so one coordinate is proved for all.
"""

from __future__ import annotations

from sympy import Expr, Integer, Rational, Symbol

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import b, g, gradient_at, lr, momentum, t, theta
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.momentum.nesterov_lookahead import NESTEROV_LOOKAHEAD
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

best, before = Symbol("best", real=True), Symbol("before", real=True)
"""The minimizer, and the theta of the step before."""
value = Symbol("value", real=True)
descent, convexity, other_convexity = (
    Symbol(name, nonnegative=True) for name in ("descent", "convexity", "other_convexity")
)
"""The slacks: of the descent along the gradient, and of convexity toward two points."""
steps_taken = Symbol("steps_taken", nonnegative=True)
"""The number of steps so far."""
weight = Symbol("weight", positive=True)


def _toward(target: Expr, point: Expr, slack: Expr) -> Expr:
    return value + g * (target - point) + slack


descended = value - lr * g**2 / 2 - descent


def _descends(rule: Rule) -> Proof:
    step = step_of(equations(rule))
    low = _toward(best, theta, convexity)
    after = 2 * lr * (steps_taken + 1) * (descended - low) + (theta + step - best) ** 2
    first = 2 * lr * steps_taken * (value - low) + (theta - best) ** 2
    spent = 2 * lr * convexity + 2 * lr * (steps_taken + 1) * descent + lr**2 * steps_taken * g**2
    return every(
        (vanishes(step + lr * g), "a step is -lr*g"),
        (vanishes(after - first + spent), "the potential decreases by the slacks and lr**2*t*g**2"),
        (spent.is_nonnegative, "none of these is negative"),
        how="2*lr*t*(f(theta) - f(best)) + (theta - best)**2 decreases by exactly a sum of squares and slacks",
    )


def _accelerates(rule: Rule) -> Proof:
    new = equations(rule)
    gradients = new[theta].atoms(gradient_at)
    ahead = theta + momentum * (theta - before)
    buffer = {b: (before - theta) / lr}
    new_theta = new[theta].replace(gradient_at, lambda place: g).xreplace(buffer)
    low, here = _toward(best, ahead, convexity), _toward(theta, ahead, other_convexity)
    leading = weight * ahead - (weight - 1) * theta - best
    led = weight * (ahead - lr * g) - (weight - 1) * theta - best
    growth = 2 * lr * weight**2 * (descended - low) + led**2 - 2 * lr * (weight**2 - weight) * (here - low) - leading**2
    spent = 2 * lr * (weight**2 * descent + weight * (weight - 1) * other_convexity + weight * convexity)
    half, schedule = Rational(1, 2), (t - 2) / (t + 1)
    weight_now, weight_before = (t + 1) * half, t * half
    carried_over = (weight_now * ahead - (weight_now - 1) * theta).xreplace({momentum: schedule})
    return every(
        (vanishes(new[theta] - (theta - lr * new[b])), "the buffer is the last update of theta, divided by -lr"),
        (
            sufficient(
                len(gradients) == 1 and all(vanishes(one.args[0].xreplace(buffer) - ahead) for one in gradients)
            ),
            "the gradient is evaluated ahead of theta by momentum times the last update",
        ),
        (vanishes(new_theta - (ahead - lr * g)), "theta moves to that point, minus lr*g"),
        (vanishes(growth + spent), "the potential decreases by the slacks"),
        (
            vanishes(carried_over - (weight_before * theta - (weight_before - 1) * before)),
            "a step starts from the potential that the last step left",
        ),
        (
            vanishes(weight_before**2 - (weight_now**2 - weight_now) - Rational(1, 4)),
            "the weight of a value never increases from step to step",
        ),
        (weight_now.xreplace({t: Integer(1)}) == 1, "the first weight is 1"),
        how="with w = (t + 1)/2, 2*lr*w**2*(f(theta_t) - f(best)) + (w*theta_t - (w - 1)*theta_(t-1) - best)**2 "
        "decreases by exactly a sum of slacks",
    )


SGD_BOUND = Theorem(
    name="gradient_descent_bound",
    sentence="Gradient descent's value after t steps is at most |theta_0 - best|**2/(2*lr*t) above the minimum.",
    source="Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.1.5; Bansal & Gupta 2019, "
    "https://arxiv.org/abs/1712.04581",
    condition="a convex function whose gradient has Lipschitz constant at most 1/lr; lr constant",
    rules=(SGD,),
    prove=_descends,
)
NESTEROV_BOUND = Theorem(
    name="nesterov_bound",
    sentence="Nesterov's value after t steps is at most 2*|theta_0 - best|**2/(lr*(t + 1)**2) above the minimum.",
    source="Nesterov 1983; Beck & Teboulle 2009, Theorem 4.4, https://doi.org/10.1137/080716542",
    condition="a convex function whose gradient has Lipschitz constant at most 1/lr; "
    "momentum (t - 2)/(t + 1), lr constant",
    rules=(NESTEROV_LOOKAHEAD,),
    prove=_accelerates,
)
