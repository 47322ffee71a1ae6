"""Three forms of Nesterov momentum, and where they differ."""

from __future__ import annotations

from sympy import Expr, Integer, Rational

from stepcheck_reference.algebra.induction import preserves_relation
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import M, b, beta, g_prev, lr, momentum, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.momentum.nesterov import NESTEROV
from stepcheck_reference.rules.momentum.nesterov_gradient_difference import NESTEROV_GRADIENT_DIFFERENCE
from stepcheck_reference.rules.momentum.nesterov_lookahead import NESTEROV_LOOKAHEAD
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

SUTSKEVER = "Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html"


def _looks_ahead(lookahead: Rule, torch_form: Rule) -> Proof:
    relation = {theta: theta - lr * momentum * b, b: b}
    return every(
        *preserves_relation(lookahead, torch_form, relation),
        how="by induction: the buffers are equal, and torch's theta is theta - lr*momentum*b, for any gradients",
    )


def _by_differences(difference: Rule, torch_form: Rule) -> Proof:
    relation = {theta: theta, b: (M - g_prev) / beta}
    return every(
        *preserves_relation(difference, torch_form, relation, {momentum: beta}),
        how="by induction: the parameters are equal, and M = g_prev + momentum*b, for any gradients",
    )


def _differ_as_momentum_varies(lookahead: Rule, torch_form: Rule) -> Proof:
    rate, factors = Rational(1, 2), [Rational(0), Rational(1, 2), Rational(1, 4)]
    hyper: list[dict[Expr, Expr | int]] = [{lr: rate, momentum: factor} for factor in factors]
    thetas = []
    for rule in (lookahead, torch_form):
        trace = iterate(rule, hyper, Integer(1), lambda point: point, steps=3)
        thetas.append([values[theta] for values in trace])
    ahead = [
        values[theta] - rate * factor * values[b]
        for values, factor in zip(
            iterate(lookahead, hyper, Integer(1), lambda point: point, steps=3), factors, strict=False
        )
    ]
    steady: list[dict[Expr, Expr | int]] = [{lr: rate, momentum: Rational(1, 2)}] * 3
    lookahead_trace, torch_trace = (
        iterate(rule, steady, Integer(1), lambda point: point, steps=3) for rule in (lookahead, torch_form)
    )
    same = all(
        one[theta] - rate * Rational(1, 2) * one[b] == two[theta]
        for one, two in zip(lookahead_trace, torch_trace, strict=True)
    )
    different_steps = [step for step, (one, two) in enumerate(zip(ahead, thetas[1], strict=False)) if one != two]
    return every(
        (same, "the forms agree at a constant momentum of 1/2"),
        (bool(different_steps), "the forms differ where momentum changes"),
        how=f"for the gradient g = theta from 1 with lr = 1/2 and momentum 0, 1/2, 1/4 the gradient is evaluated at "
        f"{_listed(ahead)} with look-ahead, and at {_listed(thetas[1][:3])} in torch's form",
    )


def _listed(values: list[Expr]) -> str:
    return ", ".join(map(str, values))


LOOKAHEAD_IS_TORCH = Theorem(
    name="nesterov_lookahead_is_torch",
    sentence="Look-ahead Nesterov is torch's form under theta' = theta - lr*momentum*b.",
    source=f"{SUTSKEVER}, eqs. 3 and 4; torch.optim.SGD(nesterov=True)",
    condition="lr and momentum constant, dampening 0",
    rules=(NESTEROV_LOOKAHEAD, NESTEROV),
    prove=_looks_ahead,
)
DIFFERENCE_IS_TORCH = Theorem(
    name="nesterov_difference_is_torch",
    sentence="Nesterov by gradient differences is torch's form, with equal parameters.",
    source="Xie et al. 2022, https://arxiv.org/abs/2208.06677; torch.optim.SGD(nesterov=True)",
    condition="momentum constant and not 0, dampening 0, the gradient before the first is 0",
    rules=(NESTEROV_GRADIENT_DIFFERENCE, NESTEROV),
    prove=_by_differences,
)
VARYING_MOMENTUM_DIFFERS = Theorem(
    name="nesterov_forms_differ_as_momentum_varies",
    sentence="Look-ahead Nesterov and torch's form differ if momentum changes between steps.",
    source=f"{SUTSKEVER}, whose momentum is scheduled",
    condition="momentum changes between steps; the exact form uses the momentum of the next step",
    rules=(NESTEROV_LOOKAHEAD, NESTEROV),
    prove=_differ_as_momentum_varies,
)
