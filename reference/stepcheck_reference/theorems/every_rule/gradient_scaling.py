"""What becomes of steps where every gradient is multiplied by c > 0."""

from __future__ import annotations

from sympy import Integer, sign

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import eps, eps_root, initial_accumulator, lambd, theta, weight_decay, x
from stepcheck_reference.facts import fixed, homogeneity
from stepcheck_reference.facts.equations import cases, decays_apart, equations, step_of
from stepcheck_reference.facts.sample import sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.rmsprop.adadelta import ADADELTA
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

KINGMA = "Kingma & Ba 2015, section 2.1, https://arxiv.org/abs/1412.6980"
OFFSETS = dict.fromkeys((eps, eps_root, weight_decay, initial_accumulator, lambd), 0)


def _divides(rule: Rule) -> bool:
    """Whether the rule has eps, starts from zero state and moves without eps."""
    if eps not in rule.hyper or any(value != 0 for value in rule.init.values()):
        return False
    alone = fixed(rule, OFFSETS)
    return bool(iterate(alone, sample(alone), Integer(1), [Integer(1)] * 7)[-1][theta] != 1)


def _degree(rule: Rule, *expected: int, how: str) -> Proof:
    """Return whether the step has these degrees, one a case, with no hyper-parameter at 0."""
    found = homogeneity(rule)
    if found is None or found.at_zero:
        return Proof("undecided", "no power of c comes out of the step, as far as its equations tell")
    degrees = [degree for _, degree in found.cases]
    if degrees != list(expected):
        return Proof("refuted", "the step scales otherwise", f"its degree is {', '.join(map(str, degrees))}")
    states = ", ".join(f"{state} {degree}" for state, degree in found.states.items())
    return Proof("proved", how + (f"; degrees of states: {states}" if states else ""))


def _rectified(rule: Rule) -> Proof:
    alone = fixed(rule, OFFSETS)
    if all(step_of(new) != 0 for _, new in cases(alone)):
        return _degree(alone, 0, 1, how="the step has degree 0 where it is rectified, and 1 elsewhere")
    return _degree(alone, 0, how="the step has degree 0 where it is rectified, and is none elsewhere")


def _two_gradients(rule: Rule) -> Proof:
    """Return whether the first step on g = 2 is another than that on g = 1, at eps = 1."""
    known = {**sample(rule), eps: Integer(1), **{symbol: 0 for symbol in OFFSETS if symbol != eps}}
    once, twice = (iterate(rule, known, Integer(0), [Integer(one)])[-1][theta] for one in (1, 2))
    how = f"at eps = 1 the first step is {float(once):.4g} on g = 1 and {float(twice):.4g} on g = 2"
    return every((vanishes(once - twice) is False, "the first step on g = 2 is another than on g = 1"), how=how)


def _stands(rule: Rule) -> Proof:
    new = equations(fixed(rule, {eps: 0}))
    return every(
        (new[x].xreplace({x: Integer(0)}) == 0, "x stays 0"),
        (step_of(new).xreplace({x: Integer(0)}) == 0, "the step is 0 while x is 0"),
        how="at eps = 0 the step is a multiple of sqrt(x), and x, 0 at first, gains only squares of steps",
    )


SCALE_INVARIANT = Theorem(
    name="scale_invariant_at_eps_0",
    sentence="Gradients times c > 0 change no step at eps = 0.",
    source=f"{KINGMA}, and each rule's equations",
    condition="the rule divides by a root or size with eps, without cases; no coupled decay, from zero state, and the "
    "first gradient of an element is not 0",
    applies=lambda rule: _divides(rule) and len(cases(rule)) == 1,
    prove=lambda rule: _degree(fixed(rule, OFFSETS), 0, how="the step has degree 0 in the gradients"),
)
ONLY_AT_EPS_0 = Theorem(
    name="scale_invariant_only_at_eps_0",
    sentence="With eps > 0 a gradient's scale changes the step.",
    source="exact first steps",
    condition="the rules that are scale invariant at eps = 0",
    applies=lambda rule: _divides(rule) and len(cases(rule)) == 1,
    prove=_two_gradients,
)
RECTIFIED_ONLY = Theorem(
    name="radam_scale_invariant_only_rectified",
    sentence="Gradients times c > 0 change no step of RAdam at eps = 0 while it is rectified; before, they change it.",
    source="Liu et al. 2020, Algorithm 2, https://arxiv.org/abs/1908.03265",
    condition="the rule has cases that the step count decides, and eps",
    applies=lambda rule: _divides(rule) and len(cases(rule)) > 1,
    prove=_rectified,
)
SIGNS_ALWAYS = Theorem(
    name="sign_steps_scale_invariant",
    sentence="Gradients times c > 0 change no step of a rule that takes signs, whatever its hyper-parameters.",
    source="each rule's equations",
    condition="the rule takes signs, of gradients without decay, and has no eps",
    applies=lambda rule: (
        any(equation.has(sign) for equation in rule.step.values()) and decays_apart(rule) and eps not in rule.hyper
    ),
    prove=lambda rule: _degree(rule, 0, how="the step has degree 0 in the gradients"),
)
DEGREE_ONE = Theorem(
    name="linear_steps_take_the_scale_on",
    sentence="Gradients times c > 0 make every step c times as long.",
    source="each rule's equations",
    condition="the rule neither divides by a root nor takes signs, and is given its gradients; without decay",
    applies=lambda rule: (
        eps not in rule.hyper
        and not any(equation.has(sign) for equation in rule.step.values())
        and not needs_objective(rule)
    ),
    prove=lambda rule: _degree(fixed(rule, OFFSETS), 1, how="the step has degree 1 in the gradients"),
)
ADADELTA_STANDS = Theorem(
    name="adadelta_stands_at_eps_0",
    sentence="ADADELTA at eps = 0 never leaves where it starts: eps is what moves it.",
    source="Zeiler 2012, Algorithm 1, https://arxiv.org/abs/1212.5701",
    condition="eps = 0, from zero state",
    rules=(ADADELTA,),
    prove=_stands,
)
