"""Accumulation: at a constant gradient, sums and averages of gradients are the gradient times the sum of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Symbol, sympify

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import initial_hyper
from stepcheck_properties.scripts.exact_scripts import exact_script
from stepcheck_properties.scripts.exact_traces import check_exact, dyadic, exact_trace, value_of
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import g, t, theta, weight_decay
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script

EXACT_WEIGHTS = (0.0, 0.5, 1.0)
"""Weights by which a product is not rounded."""


def _accumulating_states(rule: Rule) -> frozenset[Symbol]:
    """Return the states that are linear in their old value and in a term of the gradient, with constant weights."""
    states = set()
    for state in rule.init:
        equation = equations(rule)[state].xreplace({weight_decay: 0})
        parts = split(equation, state)
        if parts is None or parts[0] == 0 or not parts[0].free_symbols <= {t, *rule.hyper}:
            continue
        if g in parts[1].free_symbols <= {g, t, *rule.hyper}:
            states.add(state)
    return frozenset(states)


def _accumulates(facts: Facts) -> bool:
    shown = {state for state in _accumulating_states(facts.rule) if str(state) in facts.observed_states}
    script = exact_script(facts)
    values = [initial_hyper(script, tensor) for tensor in range(len(script.tensors))]
    return any(_is_exact(facts.rule, state, one) for state in shown for one in values)


def _is_exact(rule: Rule, state: Symbol, values: Mapping[str, float]) -> bool:
    names = {str(symbol) for symbol in rule.step[state].free_symbols - {state, g, t, theta, weight_decay}}
    start = {str(symbol) for symbol in sympify(rule.init[state]).free_symbols}
    return all(values.get(name) in EXACT_WEIGHTS for name in names | start)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield exact_script(facts)


def _check_accumulation(evidence: Evidence) -> CheckOutcome:
    checks = [_check_state(evidence, state) for state in sorted(_accumulating_states(evidence.rule), key=str)]
    return CheckOutcome(sum(one.compared for one in checks), tuple(breach for one in checks for breach in one.breaches))


def _check_state(evidence: Evidence, state: Symbol) -> CheckOutcome:
    def expected(tensor: int, step: int) -> float | None:
        if not _is_exact(evidence.rule, state, initial_hyper(evidence.script, tensor)):
            return None
        trace = exact_trace(evidence.rule, evidence.script, tensor)
        number = None if trace is None else value_of(trace[step], str(state))
        return None if number is None else dyadic(number, evidence.script.tensors[tensor].dtype)

    return check_exact(evidence, str(state), expected)


ACCUMULATION = Law(
    code="SC309",
    title="a constant gradient accumulates by the sum of the weights",
    sentence="At a constant gradient, a state that sums or averages gradients, or their squares, is that gradient, or "
    "its square, times the sum of the weights: 1 - beta**t for an average, (1 - mu**t)/(1 - mu) for a momentum buffer.",
    source="the geometric sum; Kingma & Ba 2015, section 3 (initialization bias)",
    since="0.2",
    applies=_accumulates,
    check=_check_accumulation,
    condition="a state that the subject shows is proved to be linear in itself and in g or g**2, and its weights can "
    "be 0, 1/2 or 1",
    unit="reals",
    mathematics="""\
m_t = beta*m_(t-1) + (1 - beta)*g from 0 is (1 - beta**t)*g, b_t = mu*b_(t-1) + g is (1 - mu**t)/(1 - mu)*g, and
AdaGrad's sum is t*g**2. With weights of 1/2 and a gradient of 2 these are numbers of few bits, and so are all
intermediate results: a binary arithmetic computes them exactly in any order. A subject with another number has to stay
inside its envelope.""",
    remedy="""\
Divide the state by the gradient and compare with the sum of the weights. If the quotient is 1 from the first step on,
the state starts as the first gradient. A limit of 1 instead of 1/(1 - mu), or the reverse, means that an average and a
sum have been confused.""",
    example="""\
class MomentumAsAverage(torch.optim.Optimizer):
    ...
    buffer.mul_(mu).add_(g, alpha=1 - mu)                # its weights sum to 1 - mu**t""",
    scripts=_scripts,
    theorem="momentum_weights",
)
