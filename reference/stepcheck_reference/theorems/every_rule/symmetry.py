"""Symmetries: signs, translations, and the order of elements."""

from __future__ import annotations

from sympy import Integer, Rational

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import alpha, l1, lambd, lr, m, t0, theta, weight_decay
from stepcheck_reference.facts import fixed, is_elementwise, is_sign_equivariant, is_translation_invariant
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.gradient_descent.asgd import ASGD
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, proof


def _sign(rule: Rule) -> Proof:
    return proof(
        is_sign_equivariant(rule),
        "every state that the step depends on is odd or even, and the new theta is odd",
        otherwise="a state is neither odd nor even, or theta is not odd",
        witness="an iteration of seven steps and its mirror image diverge",
    )


def _translation(rule: Rule) -> Proof:
    return proof(
        is_translation_invariant(fixed(rule, {weight_decay: 0, lambd: 0})),
        "the new theta is the old one plus a term, and neither the term nor a state depends on theta, save a point "
        "that the rule keeps and that moves with theta",
        otherwise="the step depends on theta",
        witness="iterations of seven steps from theta = 1 and 3 diverge",
    )


def _depends_on_theta(rule: Rule) -> Proof:
    hyper = {lr: Rational(1, 2), lambd: Rational(1, 5), alpha: Integer(1), t0: Integer(0)}
    from_one, from_three = (
        iterate(rule, hyper, start, [Integer(1)])[-1][theta] - start for start in (Integer(1), Integer(3))
    )
    how = f"at lambd = 1/5, lr = 1/2, g = 1 the first step is {from_one} from theta = 1 and {from_three} from theta = 3"
    return every(((from_one - from_three).is_nonzero, "the first steps from theta = 1 and 3 differ"), how=how)


def _order(rule: Rule) -> Proof:
    return proof(
        is_elementwise(rule),
        "every equation is a function of numbers, and no scalar state depends on an element",
        otherwise="an equation is not a function of numbers alone",
        witness="the rule is declared to couple elements",
    )


SIGN_EQUIVARIANT = Theorem(
    name="sign_equivariant",
    sentence="Negating the parameters and gradients negates the steps.",
    source="each rule's equations",
    condition="no average of gradients starts elsewhere than at 0; a rule that evaluates gradients itself does so on "
    "the mirrored objective",
    applies=lambda rule: rule.init.get(m, 0) == 0,
    prove=_sign,
)
TRANSLATION_INVARIANT = Theorem(
    name="translation_invariant_without_decay",
    sentence="Without weight decay, a step does not depend on the values of the parameters.",
    source="each rule's equations",
    condition="weight_decay = 0, and lambd = 0 in ASGD; for given gradients; the rule steps from the parameters, "
    "where FTRL works them out anew",
    applies=lambda rule: l1 not in rule.hyper,
    prove=_translation,
)
ASGD_DEPENDS_ON_THETA = Theorem(
    name="asgd_depends_on_theta",
    sentence="ASGD's step depends on the values of the parameters: lambd acts as a weight decay.",
    source="torch.optim.ASGD, whose lambd is 1e-4 by default",
    condition="lambd > 0",
    rules=(ASGD,),
    prove=_depends_on_theta,
)
PERMUTATION_EQUIVARIANT = Theorem(
    name="permutation_equivariant",
    sentence="The update of an element does not depend on the order, number and shape of the elements.",
    source="each rule's equations",
    condition="the rule evaluates no gradients itself",
    applies=lambda rule: not needs_objective(rule),
    prove=_order,
)
