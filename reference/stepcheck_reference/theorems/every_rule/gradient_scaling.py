"""How steps change when every gradient is multiplied by c > 0."""

from __future__ import annotations

from sympy import Integer, sign

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import eps, eps_root, initial_accumulator, lambd, theta, weight_decay, x
from stepcheck_reference.facts import fixed, homogeneity
from stepcheck_reference.facts.equations import cases, equations, has_decoupled_decay, step_of
from stepcheck_reference.facts.invariance import points_of
from stepcheck_reference.facts.sample import sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.rmsprop.adadelta import ADADELTA
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

KINGMA = "Kingma & Ba 2015, section 2.1, https://arxiv.org/abs/1412.6980"
OFFSETS = dict.fromkeys((eps, eps_root, weight_decay, initial_accumulator, lambd), 0)


def _divides(rule: Rule) -> bool:
    """Return whether the rule has eps, starts from zero state and moves without eps."""
    if eps not in rule.hyper or any(value != 0 for value in rule.init.values()):
        return False
    alone = fixed(rule, OFFSETS)
    return bool(iterate(alone, sample(alone), Integer(1), [Integer(1)] * 7)[-1][theta] != 1)


def _degree(rule: Rule, *expected: int, how: str) -> Proof:
    """Return a proof that the step has these degrees, one per case, with no hyper-parameter set to 0."""
    scaling = homogeneity(rule)
    if scaling is None or scaling.at_zero:
        return Proof("undecided", "no power of c is seen to factor out of the step's equations")
    degrees = [degree for _, degree in scaling.cases]
    if degrees != list(expected):
        return Proof("refuted", "the step scales differently", f"its degree is {', '.join(map(str, degrees))}")
    states = ", ".join(f"{state} {degree}" for state, degree in scaling.states.items())
    return Proof("proved", how + (f"; degrees of states: {states}" if states else ""))


def _rectified(rule: Rule) -> Proof:
    alone = fixed(rule, OFFSETS)
    if all(step_of(new) != 0 for _, new in cases(alone)):
        return _degree(alone, 0, 1, how="the step has degree 0 where it is rectified, and 1 elsewhere")
    return _degree(alone, 0, how="the step has degree 0 where it is rectified, and is 0 elsewhere")


def _two_gradients(rule: Rule) -> Proof:
    """Return a proof that at eps = 1 the first step for g = 2 differs from that for g = 1."""
    hyper = {**sample(rule), eps: Integer(1), **{symbol: 0 for symbol in OFFSETS if symbol != eps}}
    once, twice = (iterate(rule, hyper, Integer(0), [Integer(one)])[-1][theta] for one in (1, 2))
    how = f"at eps = 1 the first step is {float(once):.4g} for g = 1 and {float(twice):.4g} for g = 2"
    return every((vanishes(once - twice) is False, "the first step for g = 2 differs from that for g = 1"), how=how)


def _never_moves(rule: Rule) -> Proof:
    new = equations(fixed(rule, {eps: 0}))
    return every(
        (new[x].xreplace({x: Integer(0)}) == 0, "x remains 0"),
        (step_of(new).xreplace({x: Integer(0)}) == 0, "the step is 0 while x is 0"),
        how="at eps = 0 the step is a multiple of sqrt(x), and x starts at 0 and adds only squares of steps",
    )


SCALE_INVARIANT = Theorem(
    name="scale_invariant_at_eps_0",
    sentence="Scaling all gradients by c > 0 does not change the steps at eps = 0.",
    source=f"{KINGMA}, and each rule's equations",
    condition="the rule divides by a root or magnitude plus eps, and rectifies nothing; zero initial state, no coupled "
    "decay, and the first gradient of an element is not 0",
    applies=lambda rule: _divides(rule) and "rectification" not in rule.where,
    prove=lambda rule: _degree(fixed(rule, OFFSETS), 0, how="the step has degree 0 in the gradients"),
)
ONLY_AT_EPS_0 = Theorem(
    name="scale_invariant_only_at_eps_0",
    sentence="With eps > 0, the scale of the gradients changes the step.",
    source="exact first steps",
    condition="the rule is scale invariant at eps = 0",
    applies=lambda rule: _divides(rule) and "rectification" not in rule.where,
    prove=_two_gradients,
)
RECTIFIED_ONLY = Theorem(
    name="radam_scale_invariant_only_rectified",
    sentence="Scaling all gradients by c > 0 does not change RAdam's steps at eps = 0 once rectified, but does before.",
    source="Liu et al. 2020, Algorithm 2, https://arxiv.org/abs/1908.03265",
    condition="the rule has eps, and rectifies from some step on",
    applies=lambda rule: _divides(rule) and "rectification" in rule.where,
    prove=_rectified,
)
SIGNS_ALWAYS = Theorem(
    name="sign_steps_scale_invariant",
    sentence="Scaling all gradients by c > 0 never changes the steps of a rule that takes signs.",
    source="each rule's equations",
    condition="the rule takes signs of gradients, without coupled decay, and has no eps; any hyper-parameters",
    applies=lambda rule: (
        any(equation.has(sign) for equation in rule.step.values())
        and has_decoupled_decay(rule)
        and eps not in rule.hyper
    ),
    prove=lambda rule: _degree(rule, 0, how="the step has degree 0 in the gradients"),
)
DEGREE_ONE = Theorem(
    name="linear_steps_scale_with_gradients",
    sentence="Scaling all gradients by c > 0 multiplies every step by c.",
    source="each rule's equations",
    condition="the rule neither divides by a root nor takes signs, evaluates no gradients itself and keeps no points; "
    "without decay",
    applies=lambda rule: (
        eps not in rule.hyper
        and not any(equation.has(sign) for equation in rule.step.values())
        and not needs_objective(rule)
        and not points_of(fixed(rule, OFFSETS))
    ),
    prove=lambda rule: _degree(fixed(rule, OFFSETS), 1, how="the step has degree 1 in the gradients"),
)
ADADELTA_NEVER_MOVES = Theorem(
    name="adadelta_never_moves_at_eps_0",
    sentence="ADADELTA at eps = 0 never leaves its initial point: only eps makes it move.",
    source="Zeiler 2012, Algorithm 1, https://arxiv.org/abs/1212.5701",
    condition="eps = 0, from zero state",
    rules=(ADADELTA,),
    prove=_never_moves,
)
