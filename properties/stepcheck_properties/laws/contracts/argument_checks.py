"""Argument checks: a constructor that checks hyper-parameters rejects those for which the rule is undefined."""

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

ACCEPTED = "taken"
"""The output of a value that is accepted and should be rejected."""
ONE = Literal((1.0,))
GRADIENT_SEQUENCES = (("1", "1/2", "-1"), ("1/2", "-1", "1"))
"""Gradients with which a rule is evaluated to see whether it is defined; each changes its sign once."""
DIGITS = 30


def rejects_negative_lr(facts: Facts, run: RunScript) -> bool:
    """Whether the constructor rejects a learning rate of -1; it is tried in the first mode alone."""
    if (
        (facts.mode,) != facts.modes[:1]
        or "lr" not in domains_of(facts.rule)
        or "lr" not in facts.accepted_hyper
        or "lr" in facts.fixed_hyper
    ):
        return False
    return _is_rejected(run(_with(facts, "lr", -1.0)).fault)


def _is_rejected(fault: object) -> bool:
    return getattr(fault, "kind", "") == "raised" and getattr(fault, "step", 1) == 0


def _with(facts: Facts, name: str, value: float) -> Script:
    tensor = Tensor((1,), facts.dtype, ONE)
    return Script((tensor,), (Group((0,), {**hyper(facts, lr=1.0), name: value}),), (Step((ONE,)),))


def _rejects_any(facts: Facts) -> bool:
    return facts.rejects_negative_lr


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield _with(facts, "lr", -1.0)
    for name, value in undefined(facts.rule):
        if name in facts.accepted_hyper and name not in facts.fixed_hyper:
            yield _with(facts, name, value)


def _check_rejected(evidence: Evidence) -> CheckOutcome:
    rule, domains = evidence.rule, domains_of(evidence.rule)
    for group in evidence.script.groups:
        outside = [name for name, value in group.hyper.items() if name in domains and not domains[name].contains(value)]
        if len(outside) != 1:
            continue
        (name,) = outside
        if name != "lr" and _is_defined(rule, tuple(group.hyper.items())):
            continue
        if _is_rejected(evidence.trajectory.fault):
            return CheckOutcome(1)
        message = f"{name}={group.hyper[name]!r} is accepted, but should be rejected: {rule.name} needs {domains[name]}"
        return CheckOutcome(1, (Breach(ACCEPTED, 0, 0, float("inf"), message),))
    return CheckOutcome(0)


@lru_cache(maxsize=1024)
def undefined(rule: Rule) -> tuple[tuple[str, float], ...]:
    """Return hyper-parameters with a value just outside their domain, for which an equation is undefined."""
    plain = {name: typical_values(name, domain)[0] for name, domain in domains_of(rule).items()} | {"lr": 1.0}
    if needs_objective(rule) or not _is_defined(rule, tuple(plain.items())):
        return ()
    values = []
    for name, domain in domains_of(rule).items():
        outside = iter(()) if name == "lr" else _beyond(domain)
        first = next((one for one in outside if not _is_defined(rule, tuple({**plain, name: one}.items()))), None)
        if first is not None:
            values.append((name, first))
    return tuple(values)


def _beyond(domain: Domain) -> Iterator[float]:
    for end, away, is_open in ((domain.high, 1.0, domain.high_open), (domain.low, -1.0, domain.low_open)):
        if abs(end) < float("inf"):
            yield from (end, end + away) if is_open else (end + away,)


@lru_cache(maxsize=4096)
def _is_defined(rule: Rule, hyper: tuple[tuple[str, float], ...]) -> bool:
    """Whether every new value is a real number for all of ``GRADIENT_SEQUENCES``."""
    chosen = dict(hyper)
    values = {symbol: Rational(chosen.get(symbol.name, 0.0)) for symbol in rule.hyper}
    return all(_stays_real(rule, values, gradients) for gradients in GRADIENT_SEQUENCES)


def _stays_real(rule: Rule, values: Mapping[Symbol, Expr], gradients: tuple[str, ...]) -> bool:
    try:
        states = iterate(rule, values, Integer(1), [Rational(one) for one in gradients], digits=DIGITS)
    except TypeError:  # numbers that are not real have no order and no maximum
        return False
    return not any(value.has(I, nan) for state in states for value in state.values())


INVALID_HYPER_PARAMETERS = Law(
    code="SC216",
    title="invalid hyper-parameters are rejected",
    sentence="A constructor that rejects a learning rate of -1 rejects every value outside a hyper-parameter's domain "
    "for which the rule divides by zero or takes the root of a negative number.",
    source="torch.optim.Optimizer: constructors raise ValueError for invalid hyper-parameters",
    since="0.2",
    applies=_rejects_any,
    check=_check_rejected,
    condition="the constructor rejects a learning rate of -1, and the mode is the first that the subject has",
    unit="values",
    mathematics="""\
Each hyper-parameter is set just outside its domain, with plain values for all others, and the rule is evaluated for a
few steps in exact numbers. If that divides by 0 or takes a root of a negative number, as 1 - beta1**t does at beta1 =
1, no optimizer can follow the rule, and a constructor that checks other values should check this one. Nothing is
required of a constructor that checks nothing.""",
    remedy="""\
Add the missing bound to the checks of the constructor, and raise ValueError. A mistyped value is then reported where it
is set, and not as nan many steps later.""",
    example="""\
class ChecksOneBetaOnly(torch.optim.Optimizer):
    ...
    if not 0.0 <= betas[0] < 1.0:                        # beta2 = 1 divides by 1 - beta2**t = 0
        raise ValueError(f"betas={betas}")""",
    scripts=_scripts,
)
