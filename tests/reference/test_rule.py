"""A rule checks itself, and each error names the rule and the symbol."""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import Any

import pytest
from sympy import Symbol

from stepcheck_reference.alphabet import (
    M,
    b,
    beta1,
    eps,
    eta_plus,
    g,
    lr,
    m,
    momentum,
    momentum_decay,
    mu_product,
    schedule_base,
    t,
    theta,
)
from stepcheck_reference.alphabet import symbol as symbol_named
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.facts import reduces
from stepcheck_reference.rule import OutOfDomain, Rule, RuleError, UnknownHyper
from stepcheck_reference.rules import ALL, find

GOOD: dict[str, Any] = {
    "title": "A buffer.",
    "source": "nowhere",
    "init": {b: 0},
    "step": {b: momentum * b + g, theta: theta - lr * (momentum * b + g)},
    "domains": {lr: NONNEGATIVE, momentum: NONNEGATIVE},
}
STEP = GOOD["step"]
DOMAINS = GOOD["domains"]
SCHEDULED: dict[str, Any] = GOOD | {
    "step": {
        mu_product: mu_product * schedule_base ** (t * momentum_decay),
        b: b * mu_product + g,
        theta: theta - lr * (b * mu_product + g),
    },
    "scalars": {mu_product: 1},
    "constants": {schedule_base: 0.96},
    "domains": {lr: NONNEGATIVE, momentum_decay: NONNEGATIVE},
}


def test_a_consistent_rule_is_accepted() -> None:
    assert Rule("buffered", **GOOD).hyper == (lr, momentum)
    assert Rule("scheduled", **SCHEDULED).hyper == (lr, momentum_decay)


@pytest.mark.parametrize(
    ("symbol", "message", "changes"),
    [
        ("q", "q in the equation of theta is not declared", {"step": STEP | {theta: theta - lr * g * Symbol("q")}}),
        ("beta4", "did you mean beta1?|did you mean beta2?", {"step": STEP | {theta: theta - Symbol("beta4") * g}}),
        ("lr", "with other assumptions", {"step": STEP | {theta: theta - Symbol("lr") * g}}),
        ("Q", "Q in init is not declared", {"init": {b: 0, Symbol("Q"): 0}}),
        ("Q", "Q in step is not declared", {"step": STEP | {Symbol("Q"): g}}),
        ("Q", "Q in domains is not declared", {"domains": DOMAINS | {Symbol("Q"): NONNEGATIVE}}),
        ("b", "state b has an initial value, but no step equation", {"step": {theta: theta - lr * momentum * g}}),
        ("theta", "theta has no step equation", {"step": {b: momentum * b + lr * g}}),
        ("b", "state b has a step equation, but no initial value", {"init": {}}),
        ("m", "the equation of theta uses state m", {"step": STEP | {theta: theta - lr * m}}),
        ("lr", "lr has a step equation, but is a hyper-parameter", {"step": STEP | {lr: lr / 2}}),
        ("g", "g has a step equation, but is a gradient", {"step": STEP | {g: -g}}),
        ("lr", "lr has an initial value, but is a hyper-parameter", {"init": {b: 0, lr: 0}}),
        ("theta", "theta has an initial value, but is a parameter", {"init": {b: 0, theta: 0}}),
        ("g", "the initial value of b uses g, a gradient", {"init": {b: g}}),
        ("M", "the initial value of b uses M, a state", {"init": {b: M}}),
        ("momentum", "hyper-parameter momentum has no domain", {"domains": {lr: NONNEGATIVE}}),
        ("eps", "eps has a domain, but no equation uses it", {"domains": DOMAINS | {eps: NONNEGATIVE}}),
        ("b", "b has a domain, but is a state", {"domains": DOMAINS | {b: NONNEGATIVE}}),
        ("b", "both elementwise", {"scalars": {b: 0}}),
        ("b", "one number a tensor, uses g", {"init": {}, "scalars": {b: 0}}),
        ("schedule_base", "has no value", {"step": STEP | {theta: theta - lr * schedule_base * g}}),
        ("schedule_base", "no equation uses it", {"constants": {schedule_base: 0.96}}),
        ("lr", "lr has a constant value, but is a hyper-parameter", {"constants": {lr: 0.1}}),
        ("g", "no equation uses the gradient", {"step": {b: momentum * b, theta: theta - lr * b}}),
        ("per row", "kind='per row', but should be one of elementwise, matrix", {"kind": "per row"}),
        ("source", "source is empty", {"source": " "}),
        ("title", "title is empty", {"title": ""}),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(symbol: str, message: str, changes: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        Rule("bad_rule", **(GOOD | changes))
    assert caught.value.rule == "bad_rule"
    assert "bad_rule" in str(caught.value)
    if "one number a tensor" not in message:
        assert caught.value.symbol == symbol


@pytest.mark.parametrize("name", ["", "2fast", "adam-w", "adam w", "adam+", "+adam"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(RuleError, match="identifiers joined by"):
        Rule(name, **GOOD)


def test_a_rule_cannot_be_changed() -> None:
    rule = find("adam")
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.name = "eve"  # type: ignore[misc]
    for part in (rule.init, rule.step, rule.domains, rule.scalars, rule.constants):
        assert not hasattr(part, "__setitem__")


def test_a_rule_copies_its_arguments() -> None:
    parts = {key: copy.copy(value) for key, value in GOOD.items()}
    rule = Rule("buffered", **parts)
    parts["step"].clear()
    assert set(rule.step) == {b, theta}


def test_a_hyper_parameter_in_an_initial_value_counts_as_used() -> None:
    rule = Rule("started", **(GOOD | {"init": {b: eps}, "domains": DOMAINS | {eps: NONNEGATIVE}}))
    assert rule.hyper == (lr, momentum, eps)


def test_a_value_outside_its_domain_is_named_with_the_reason() -> None:
    with pytest.raises(OutOfDomain) as caught:
        find("adam").check_hyper({"beta1": 1.0})
    assert str(caught.value) == "beta1=1.0, but adam needs 0 <= beta1 < 1 (bias correction divides by 1 - beta1**t)"
    facts = caught.value
    assert (facts.rule, facts.name, facts.value, facts.domain) == ("adam", "beta1", 1.0, find("adam").domains[beta1])


def test_a_domain_without_reason_is_named_alone() -> None:
    with pytest.raises(OutOfDomain, match=r"^lr=nan, but sgd needs lr >= 0$"):
        find("sgd").check_hyper({"lr": float("nan")})


def test_dropping_bias_correction_drops_the_reason_it_gave() -> None:
    with pytest.raises(OutOfDomain, match="the average takes 1 - beta1 of what is new"):
        find("adam+no_bias_correction").check_hyper({"beta1": 1.0})


def test_an_unknown_hyper_parameter_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownHyper) as caught:
        find("adam").check_hyper({"epsilon": 1e-8, "lr": 0.1})
    assert (
        str(caught.value) == "epsilon is no hyper-parameter of adam, which has lr, beta1, beta2, eps; did you mean eps?"
    )


def test_values_inside_their_domains_pass() -> None:
    for rule in ALL:
        rule.check_hyper({str(symbol): 1.5 if symbol == eta_plus else 0.5 for symbol in rule.hyper})


def test_defaults_are_inside_their_domains_and_those_of_the_sources() -> None:
    for rule in ALL:
        rule.check_hyper({symbol.name: value for symbol, value in rule.defaults.items()})
    recommended = {rule.name: {symbol.name: value for symbol, value in rule.defaults.items()} for rule in ALL}
    assert recommended["adam"] == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert recommended["adamw"] == recommended["adam"]
    assert recommended["adadelta"] == {"lr": 1.0, "rho": 0.95, "eps": 1e-6}
    assert recommended["lion"] == {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99}
    assert recommended["rprop"]["eta_plus"] == 1.2
    assert recommended["sgd"] == {}


@pytest.mark.parametrize(
    ("symbol", "message", "changes"),
    [
        ("lr", "the default lr=-1.0 is outside lr >= 0", {"defaults": {lr: -1.0}}),
        ("eps", "eps has a default, but is no hyper-parameter of it", {"defaults": {eps: 1e-8}}),
        ("m", "m has another form, but no step equation", {"forms": {m: (g,)}}),
        ("eps", "another form of b uses eps, which no equation uses", {"forms": {b: (eps * g,)}}),
        ("delt", "delt in where is no quantity of the alphabet; did you mean delta?", {"where": {"delt": lr * g}}),
        ("eps", "delta in where uses eps, which no equation uses", {"where": {"delta": eps * g}}),
    ],
)
def test_forms_and_quantities_must_match_the_equations(symbol: str, message: str, changes: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match=re.escape(message)) as caught:
        Rule("bad_rule", **(GOOD | changes))
    assert caught.value.symbol == symbol


def test_an_excluded_zero_has_a_reason_and_the_reduction_is_proved() -> None:
    reductions: dict[str, str] = {}
    for rule in ALL:
        for symbol, domain in rule.domains.items():
            if not domain.contains(0.0):
                assert domain.reason, f"rule {rule.name!r} refuses {symbol} = 0 without a reason: give its domain one"
            zeros = {symbol_named(name): 0 for name in (symbol.name, *domain.others_at_zero)}
            if domain.reduces_to:
                reductions[rule.name] = domain.reduces_to
                assert reduces(rule, find(domain.reduces_to), zeros) is True, (
                    f"rule {rule.name!r} says that it is {domain.reduces_to} at {zeros}, which is not proved: correct "
                    "the domain of that hyper-parameter"
                )
    assert reductions["momentum"] == reductions["nesterov"] == "sgd"
    assert reductions["rmsprop_momentum"] == "rmsprop"
    assert reductions["rmsprop_centered_momentum"] == "rmsprop_centered"


def test_a_reason_that_names_a_rule_says_which_one_is_to_be_proved() -> None:
    names = {rule.name for rule in ALL}
    for rule in ALL:
        for symbol, domain in rule.domains.items():
            named = names & set(domain.reason.replace(",", " ").split())
            assert named <= {domain.reduces_to, symbol.name}, (
                f"rule {rule.name!r}: the reason of {symbol} names {sorted(named)}: say so with Domain(reduces_to=...)"
            )
