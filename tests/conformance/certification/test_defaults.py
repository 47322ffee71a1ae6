"""Defaults that depart from the rule's source: reported, and no reason for a verdict."""

from __future__ import annotations

import pytest

import stepcheck
from stepcheck.certification.departure import Departure
from stepcheck.certification.survey import departures
from stepcheck.report.text import render
from stepcheck_reference.rules import find
from stepcheck_reference.verdict import Verdict

ONE = {"modes": ["single"], "dtypes": ["float32"], "devices": ["cpu"]}


def test_only_a_default_that_differs_from_a_recommended_one_is_reported() -> None:
    rule = find("nadam")
    recommended = {symbol.name: value for symbol, value in rule.defaults.items()}
    assert departures("x.Y", rule, recommended) == ()
    assert departures("x.Y", rule, {**recommended, "weight_decay": 3.0}) == ()
    (departure,) = departures("x.Y", rule, {**recommended, "beta1": 0.5})
    assert departure == Departure(
        target="x.Y", rule="nadam", name="beta1", default=0.5, recommended=recommended["beta1"]
    )
    assert departures("x.Y", rule, {"lr": recommended["lr"]}) == ()


@pytest.mark.usefixtures("shared_fork_server")
def test_a_class_that_holds_is_reported_with_the_default_that_differs() -> None:
    certificate = stepcheck.certify("torch.optim.Adadelta", **ONE)
    assert certificate.verdict is Verdict.HOLDS
    assert [(entry.name, entry.default, entry.recommended) for entry in certificate.findings.defaults] == [
        ("rho", 0.9, 0.95)
    ]
    text = " ".join(render(certificate).split())
    assert "defaults differ from those of the rule's source, given in parentheses: Adadelta rho=0.9 (0.95)" in text
    assert stepcheck.certify("torch.optim.Adamax", **ONE).findings.defaults == ()


@pytest.mark.usefixtures("shared_fork_server")
def test_the_rule_that_is_claimed_is_the_one_whose_defaults_count() -> None:
    subject = "tests/planted/rules/adam.py:AdamEpsHat"
    assert stepcheck.certify(subject, rule="adam_eps_hat", **ONE).findings.defaults == ()
    (departure,) = stepcheck.certify(
        "tests/planted/rules/rmsprop.py:HandWrittenAdadelta", rule="adadelta", **ONE
    ).findings.defaults
    assert (departure.target, departure.name, departure.default) == (
        "tests/planted/rules/rmsprop.py:HandWrittenAdadelta",
        "rho",
        0.9,
    )
