"""Signs, places and the order of elements."""

from __future__ import annotations

from sympy import Integer, Rational

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import alpha, lambd, lr, t0, theta, weight_decay
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
        witness="a walk of seven steps and its mirror image part",
    )


def _anywhere(rule: Rule) -> Proof:
    return proof(
        is_translation_invariant(fixed(rule, {weight_decay: 0, lambd: 0})),
        "the new theta is the old one and a rest, and neither the rest nor a state takes theta in",
        otherwise="the step takes theta in",
        witness="walks of seven steps from theta = 1 and 3 part",
    )


def _pulled(rule: Rule) -> Proof:
    hyper = {lr: Rational(1, 2), lambd: Rational(1, 5), alpha: Integer(1), t0: Integer(0)}
    one, three = (iterate(rule, hyper, start, [Integer(1)])[-1][theta] - start for start in (Integer(1), Integer(3)))
    sufficient = f"at lambd = 1/5, lr = 1/2 and g = 1 the first step is {one} from theta = 1 and {three} from theta = 3"
    return every(((one - three).is_nonzero, "the first steps from theta = 1 and 3 differ"), how=sufficient)


def _order(rule: Rule) -> Proof:
    return proof(
        is_elementwise(rule),
        "every equation is a function of numbers, and no scalar state depends on an element",
        otherwise="an equation is not a function of numbers alone",
        witness="the rule says that it couples elements",
    )


SIGN_EQUIVARIANT = Theorem(
    name="sign_equivariant",
    sentence="Parameters and gradients of the opposite sign give steps of the opposite sign.",
    source="each rule's equations",
    condition="every rule; where a rule asks for gradients, those of the mirrored objective",
    applies=lambda rule: True,
    prove=_sign,
)
TRANSLATION_INVARIANT = Theorem(
    name="translation_invariant_without_decay",
    sentence="Without decay a step does not depend on where the parameters are.",
    source="each rule's equations",
    condition="weight_decay = 0, and lambd = 0 in ASGD; the gradients given",
    applies=lambda rule: True,
    prove=_anywhere,
)
ASGD_PULLS = Theorem(
    name="asgd_depends_on_theta",
    sentence="ASGD's step depends on where the parameters are: lambd shrinks them, though it is not called decay.",
    source="torch.optim.ASGD, whose lambd is 1e-4 by default",
    condition="lambd > 0",
    rules=(ASGD,),
    prove=_pulled,
)
PERMUTATION_EQUIVARIANT = Theorem(
    name="permutation_equivariant",
    sentence="The order, number and shape of elements change nothing about each of them.",
    source="each rule's equations",
    condition="the rule is given its gradients",
    applies=lambda rule: not needs_objective(rule),
    prove=_order,
)
