"""Gathering: at a constant gradient, sums and averages of gradients hold it times the sum of their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Symbol, sympify

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.exact_scripts import halves
from stepcheck_properties.scripts.exact_traces import called, departure, dyadic, exact_course
from stepcheck_properties.scripts.from_zero import group_of
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import g, t, theta, weight_decay
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script

PLAIN = (0.0, 0.5, 1.0)
"""Weights that nothing has to be rounded by."""


def _gathering(rule: Rule) -> frozenset[Symbol]:
    """Return the states whose new value is hyper-parameters times the old one, and times the gradient or its square."""
    found = set()
    for state in rule.init:
        equation = equations(rule)[state].xreplace({weight_decay: 0})
        parts = split(equation, state)
        if parts is None or parts[0] == 0 or not parts[0].free_symbols <= {t, *rule.hyper}:
            continue
        if g in parts[1].free_symbols <= {g, t, *rule.hyper}:
            found.add(state)
    return frozenset(found)


def _gathers(facts: Facts) -> bool:
    shown = {state for state in _gathering(facts.rule) if str(state) in facts.observed_states}
    script = halves(facts)
    values = [group_of(script, tensor) for tensor in range(len(script.tensors))]
    return any(_is_plain(facts.rule, state, one) for state in shown for one in values)


def _is_plain(rule: Rule, state: Symbol, values: Mapping[str, float]) -> bool:
    names = {str(symbol) for symbol in rule.step[state].free_symbols - {state, g, t, theta, weight_decay}}
    start = {str(symbol) for symbol in sympify(rule.init[state]).free_symbols}
    return all(values.get(name) in PLAIN for name in names | start)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield halves(facts)


def _sums(evidence: Evidence) -> CheckOutcome:
    rule, script = evidence.rule, evidence.script
    checks = [_held(evidence, state) for state in sorted(_gathering(rule), key=str)]
    assert script.tensors, "a script has tensors"
    return CheckOutcome(sum(one.compared for one in checks), tuple(breach for one in checks for breach in one.breaches))


def _held(evidence: Evidence, state: Symbol) -> CheckOutcome:
    def wanted(tensor: int, step: int) -> float | None:
        if not _is_plain(evidence.rule, state, group_of(evidence.script, tensor)):
            return None
        course = exact_course(evidence.rule, evidence.script, tensor)
        number = None if course is None else called(course[step], str(state))
        return None if number is None else dyadic(number, evidence.script.tensors[tensor].dtype)

    return departure(evidence, str(state), wanted)


ACCUMULATION = Law(
    code="SC309",
    title="a constant gradient is gathered with the sum of the weights",
    sentence="At a constant gradient a state that sums or averages gradients, or their squares, holds that "
    "gradient, or its square, times the sum of the weights: 1 - beta**t of an average, (1 - mu**t)/(1 - mu) of a "
    "momentum buffer.",
    source="the geometric sum; Kingma & Ba 2015, section 3 (initialization bias)",
    since="0.2",
    applies=_gathers,
    check=_sums,
    condition="a state that is shown is proved to be linear in itself and in g or g**2, and its weights can be 0, "
    "1/2 or 1",
    unit="reals",
    mathematics="""\
m_t = beta*m_(t-1) + (1 - beta)*g from 0 is (1 - beta**t)*g, b_t = mu*b_(t-1) + g is (1 - mu**t)/(1 - mu)*g, and
AdaGrad's sum is t*g**2. With weights of 1/2 and a gradient of 2 these are numbers of few bits, and so is everything
on the way to them: a binary arithmetic computes them exactly, whatever its order. Where it does not, it has to keep
to its envelope.""",
    remedy="""\
Divide the state by the gradient and compare with the sum of weights. 1 at once: the state starts from the first
gradient. A limit of 1 where 1/(1 - mu) is due, or the other way round: an average and a sum are taken for each
other.""",
    example="""\
class MomentumAsAverage(torch.optim.Optimizer):
    ...
    buffer.mul_(mu).add_(g, alpha=1 - mu)                # its weights sum to 1 - mu**t""",
    scripts=_scripts,
    theorem="momentum_weights",
)
