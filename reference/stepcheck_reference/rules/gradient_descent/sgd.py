"""Gradient descent. Robbins & Monro 1951 (https://doi.org/10.1214/aoms/1177729586)."""

from stepcheck_reference.alphabet import g, lr, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule

theta_t = theta - lr * g

SGD = Rule(
    "sgd",
    title="Gradient descent: a step against the gradient.",
    source="Robbins & Monro 1951, https://doi.org/10.1214/aoms/1177729586",
    step={theta: theta_t},
    domains={lr: NONNEGATIVE},
)
