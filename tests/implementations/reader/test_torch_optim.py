"""torch.optim's elementwise classes read as the rules that they follow, whatever execution path they take."""

from __future__ import annotations

import pytest
import torch
from sympy import Integer

from stepcheck_implementations.reader.read_target import read
from stepcheck_reference.alphabet import t
from stepcheck_reference.reading.as_rule import as_rule
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.merging import same
from stepcheck_reference.rules import find

RULES = {
    "SGD": "momentum+coupled_decay",
    "Adam": "adam+coupled_decay",
    "AdamW": "adamw",
    "Adagrad": "adagrad+initial_accumulator+lr_decay+coupled_decay",
    "RMSprop": "rmsprop_momentum+coupled_decay",
    "Adadelta": "adadelta+coupled_decay",
    "Adamax": "adamax+coupled_decay",
    "RAdam": "radam+coupled_decay",
    "ASGD": "asgd+coupled_decay",
    "Rprop": "rprop",
}
OPTIONS = {
    ("SGD", "nesterov"): "nesterov+coupled_decay",
    ("Adam", "amsgrad"): "amsgrad+coupled_decay",
    ("Adam", "decoupled_weight_decay"): "adamw",
    ("AdamW", "maximize"): "adamw+maximize",
    ("RMSprop", "centered"): "rmsprop_centered_momentum+coupled_decay",
}


def assert_reads_as(rule: str, name: str, mode: str = "single", **options: object) -> None:
    data = read(getattr(torch.optim, name), f"torch.optim.{name}", mode=mode, options=options)
    reading = reading_of(data)
    found, expected = as_rule(reading), find(rule)
    assert data["changed"] == []
    assert reading.opaque == ()
    assert set(found.step) == set(expected.step)
    assert (dict(found.init), dict(found.scalars)) == (dict(expected.init), dict(expected.scalars))
    for symbol, equation in expected.step.items():
        assert same(equation, found.step[symbol], {t: t + 1}), f"{symbol}: {found.step[symbol]}"
        for step, at_first in ((1, {**expected.init, **expected.scalars}), (2, {}), (3, {})):
            assert same(equation, found.step[symbol], {t: Integer(step), **at_first})


@pytest.mark.parametrize("mode", ["single", "foreach"])
@pytest.mark.parametrize("name", RULES)
def test_a_class_reads_as_its_rule(name: str, mode: str) -> None:
    assert_reads_as(RULES[name], name, mode)


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_option_reads_as_the_rule_that_it_selects(name: str, option: str) -> None:
    plain = {"dampening": 0.0} if option == "nesterov" else {}
    assert_reads_as(OPTIONS[name, option], name, **{option: True}, **plain)


def test_a_fused_step_is_named_and_not_guessed() -> None:
    reading = reading_of(read(torch.optim.AdamW, "torch.optim.AdamW", mode="fused"))
    assert reading.opaque == ("torch._fused_adamw_",)
