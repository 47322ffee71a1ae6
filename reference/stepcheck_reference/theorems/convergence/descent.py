"""Descent: how fast values fall on convex functions, by potentials that never grow.

At a point with value f and gradient g, convexity leaves a slack in f(z) = f + g*(z - point) + slack, and a gradient
that changes no faster than 1/lr leaves one in f(point - lr*g) = f - lr*g**2/2 - slack. No slack is negative. A sum of
slacks with weights is what a potential falls by. Products of g and z are inner products: one coordinate tells for all.
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
"""Where the function is lowest, and where theta was a step ago."""
value = Symbol("value", real=True)
fall, bend, other_bend = (Symbol(name, nonnegative=True) for name in ("fall", "bend", "other_bend"))
"""The slacks: of the fall along the gradient, and of convexity toward two points."""
past = Symbol("past", nonnegative=True)
"""How many steps have been taken."""
weight = Symbol("weight", positive=True)


def _toward(place: Expr, point: Expr, slack: Expr) -> Expr:
    return value + g * (place - point) + slack


fallen = value - lr * g**2 / 2 - fall


def _descends(rule: Rule) -> Proof:
    step = step_of(equations(rule))
    low = _toward(best, theta, bend)
    after = 2 * lr * (past + 1) * (fallen - low) + (theta + step - best) ** 2
    first = 2 * lr * past * (value - low) + (theta - best) ** 2
    spent = 2 * lr * bend + 2 * lr * (past + 1) * fall + lr**2 * past * g**2
    return every(
        (vanishes(step + lr * g), "a step is -lr*g"),
        (vanishes(after - first + spent), "the potential falls by the slacks and lr**2*t*g**2"),
        (spent.is_nonnegative, "none of which is negative"),
        how="2*lr*t*(f(theta) - f(best)) + (theta - best)**2 falls by a sum of squares and slacks, exactly",
    )


def _accelerates(rule: Rule) -> Proof:
    new = equations(rule)
    asked = new[theta].atoms(gradient_at)
    ahead = theta + momentum * (theta - before)
    buffer = {b: (before - theta) / lr}
    moved = new[theta].replace(gradient_at, lambda place: g).xreplace(buffer)
    low, here = _toward(best, ahead, bend), _toward(theta, ahead, other_bend)
    leading = weight * ahead - (weight - 1) * theta - best
    led = weight * (ahead - lr * g) - (weight - 1) * theta - best
    growth = 2 * lr * weight**2 * (fallen - low) + led**2 - 2 * lr * (weight**2 - weight) * (here - low) - leading**2
    spent = 2 * lr * (weight**2 * fall + weight * (weight - 1) * other_bend + weight * bend)
    half, schedule = Rational(1, 2), (t - 2) / (t + 1)
    now, last = (t + 1) * half, t * half
    carried = (now * ahead - (now - 1) * theta).xreplace({momentum: schedule})
    return every(
        (vanishes(new[theta] - (theta - lr * new[b])), "the buffer is what theta moved by, over -lr"),
        (
            sufficient(len(asked) == 1 and all(vanishes(one.args[0].xreplace(buffer) - ahead) for one in asked)),
            "the gradient is taken momentum times the last move ahead",
        ),
        (vanishes(moved - (ahead - lr * g)), "theta goes there, and -lr*g on"),
        (vanishes(growth + spent), "the potential falls by the slacks"),
        (vanishes(carried - (last * theta - (last - 1) * before)), "what a step starts from is what the last one left"),
        (vanishes(last**2 - (now**2 - now) - Rational(1, 4)), "the weight of a value never grows from step to step"),
        (now.xreplace({t: Integer(1)}) == 1, "the first weight is 1"),
        how="with w = (t + 1)/2, 2*lr*w**2*(f(theta_t) - f(best)) + (w*theta_t - (w - 1)*theta_(t-1) - best)**2 falls "
        "by slacks, exactly",
    )


SGD_BOUND = Theorem(
    name="gradient_descent_bound",
    sentence="Gradient descent's value after t steps is at most |theta_0 - best|**2/(2*lr*t) above the least.",
    source="Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.1.5; Bansal & Gupta 2019, "
    "https://arxiv.org/abs/1712.04581",
    condition="a convex function whose gradient changes no faster than 1/lr; lr stays constant",
    rules=(SGD,),
    prove=_descends,
)
NESTEROV_BOUND = Theorem(
    name="nesterov_bound",
    sentence="Nesterov's value after t steps is at most 2*|theta_0 - best|**2/(lr*(t + 1)**2) above the least.",
    source="Nesterov 1983; Beck & Teboulle 2009, Theorem 4.4, https://doi.org/10.1137/080716542",
    condition="a convex function whose gradient changes no faster than 1/lr; momentum (t - 2)/(t + 1), lr constant",
    rules=(NESTEROV_LOOKAHEAD,),
    prove=_accelerates,
)
