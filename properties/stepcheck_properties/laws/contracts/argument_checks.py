"""Domains: values for which a rule's equations come to nothing are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from sympy import Expr, I, Integer, Rational, Symbol, nan

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law, RunScript
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.strategies.hyper_parameters import domains_of, typical_values
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.domain import Domain
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

RATE = "lr"
TAKEN = "taken"
"""The output of a value that should have been refused."""
ONE = Literal((1.0,))
COURSES = (("1", "1/2", "-1"), ("1/2", "-1", "1"))
"""Gradients with which a rule is walked, to see where it comes to nothing."""
DIGITS = 30


def refuses(facts: Facts, run: RunScript) -> bool:
    """Whether the subject's constructor refuses a learning rate of -1; it is asked in the first mode alone."""
    if (
        (facts.mode,) != facts.modes[:1]
        or RATE not in domains_of(facts.rule)
        or RATE not in facts.accepted_hyper
        or RATE in facts.fixed_hyper
    ):
        return False
    return _is_refused(run(_with(facts, RATE, -1.0)).fault)


def _is_refused(fault: object) -> bool:
    return getattr(fault, "kind", "") == "raised" and getattr(fault, "step", 1) == 0


def _with(facts: Facts, name: str, value: float) -> Script:
    tensor = Tensor((1,), facts.dtype, ONE)
    return Script((tensor,), (Group((0,), {**hyper(facts, lr=1.0), name: value}),), (Step((ONE,)),))


def _refuses_any(facts: Facts) -> bool:
    return facts.rejects_negative_lr


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _with(facts, RATE, -1.0)
    for name, value in undefined(facts.rule):
        if name in facts.accepted_hyper and name not in facts.fixed_hyper:
            yield _with(facts, name, value)


def _refused(evidence: Evidence) -> CheckOutcome:
    rule, domains = evidence.rule, domains_of(evidence.rule)
    for group in evidence.script.groups:
        outside = [name for name, value in group.hyper.items() if name in domains and not domains[name].contains(value)]
        if len(outside) != 1:
            continue
        (name,) = outside
        if name != RATE and _is_defined(rule, tuple(group.hyper.items())):
            continue
        if _is_refused(evidence.trajectory.fault):
            return CheckOutcome(1)
        told = f"{name}={group.hyper[name]!r} is taken, but should be refused: {rule.name} needs {domains[name]}"
        return CheckOutcome(1, (Breach(TAKEN, 0, 0, float("inf"), told),))
    return CheckOutcome(0)


@lru_cache(maxsize=1024)
def undefined(rule: Rule) -> tuple[tuple[str, float], ...]:
    """Return (hyper-parameter, value) just outside of domains, where an equation divides by 0 or roots a negative."""
    plain = {name: typical_values(name, domain)[0] for name, domain in domains_of(rule).items()} | {RATE: 1.0}
    if needs_objective(rule) or not _is_defined(rule, tuple(plain.items())):
        return ()
    found = []
    for name, domain in domains_of(rule).items():
        wrong = (value for value in _beyond(domain) if not _is_defined(rule, tuple({**plain, name: value}.items())))
        value = None if name == RATE else next(wrong, None)
        if value is not None:
            found.append((name, value))
    return tuple(found)


def _beyond(domain: Domain) -> Iterator[float]:
    for end, away, is_open in ((domain.high, 1.0, domain.high_open), (domain.low, -1.0, domain.low_open)):
        if abs(end) < float("inf"):
            yield from (end, end + away) if is_open else (end + away,)


@lru_cache(maxsize=4096)
def _is_defined(rule: Rule, hyper: tuple[tuple[str, float], ...]) -> bool:
    """Whether every new value is a real number on all of ``COURSES``."""
    chosen = dict(hyper)
    known = {symbol: Rational(chosen.get(symbol.name, 0.0)) for symbol in rule.hyper}
    return all(_stays_real(rule, known, course) for course in COURSES)


def _stays_real(rule: Rule, known: Mapping[Symbol, Expr], course: tuple[str, ...]) -> bool:
    try:
        held = iterate(rule, known, Integer(1), [Rational(gradient) for gradient in course], digits=DIGITS)
    except TypeError:  # an order or a maximum among what is not real
        return False
    return not any(value.has(I, nan) for row in held for value in row.values())


INVALID_HYPER_PARAMETERS = Law(
    code="SC216",
    title="values for which the rule comes to nothing are refused",
    sentence="A constructor that refuses a learning rate of -1 refuses every value outside its hyper-parameter's "
    "domain "
    "for which the rule divides by zero or takes the root of a negative number.",
    source="torch.optim.Optimizer: constructors raise ValueError for invalid hyper-parameters",
    since="0.2",
    applies=_refuses_any,
    check=_refused,
    condition="the constructor refuses a learning rate of -1, in the first mode that there is",
    unit="values",
    mathematics="""\
Each hyper-parameter is set just outside of its domain, all others being plain, and the rule is walked a few steps in
exact numbers. Where that meets a division by 0 or a root of a negative number, as 1 - beta1**t does at beta1 = 1, no
optimizer can keep the rule, and a check that is there for other values has to be there for this one. A constructor that
checks nothing is asked for nothing.""",
    remedy="""\
Add the missing bound to the checks of the constructor, and raise ValueError there. Who mistypes a value should see it
where it stands, and not as nan many steps later.""",
    example="""\
class ChecksOneBetaOnly(torch.optim.Optimizer):
    ...
    if not 0.0 <= betas[0] < 1.0:                        # beta2 = 1 divides by 1 - beta2**t = 0
        raise ValueError(f"betas={betas}")""",
    scripts=_scripts,
)
