"""Code is identified in each configuration, and what it does not do is never what it is called."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch

from stepcheck.code_reading import identify as module
from stepcheck.code_reading.identify import Choice, identified_by
from stepcheck.code_reading.verification import PARTS
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.identify import Identification
from stepcheck_reference.identify.conclusion import OBSERVED
from stepcheck_reference.identify.observation.observed_runs import MOST_STEPS

HANDWRITTEN = "examples/handwritten.py"
SUBJECTS = "tests/implementations/subjects/readable.py"


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened


def identified(workers: Workers, target: str) -> Identification:
    answer = identified_by(workers, target, Choice(""), verified=False)
    assert answer is not None
    return answer


def test_every_configuration_of_a_class_is_identified(workers: Workers) -> None:
    answers = list(module.identified("torch.optim.Adamax", "", "single", {}, workers, verified=False))
    assert {answer.configuration: answer.name for answer in answers} == {
        "by default": "adamax",
        "weight_decay not 0": "adamax+coupled_decay",
        "maximize": "adamax+coupled_decay+maximize",
    }
    assert {answer.verdict for answer in answers} == {"proved"}


def test_boolean_options_of_third_party_code_are_switched_over(workers: Workers) -> None:
    names = [choice.name for choice in module.choices("tests/implementations/subjects/options.py:Signed", workers)]
    assert names == ["by default", "flip=True"]


def test_a_number_that_is_none_by_default_is_so_by_default() -> None:
    class Signatures:
        def signature(self, target: str) -> dict[str, dict[str, object]]:
            return {"defaults": {"momentum": None, "nesterov": False}}

    found = [(choice.name, dict(choice.options)) for choice in module.choices("optax.sgd", Signatures())]  # type: ignore[arg-type]
    assert found == [("by default", {"momentum": None}), ("momentum given", {}), ("nesterov", {})]


def test_a_number_that_no_rule_has_is_held_where_that_gives_a_name(workers: Workers) -> None:
    answer = identified(workers, f"{SUBJECTS}:Powered")
    assert (answer.name, answer.configuration) == ("sgd", "power=1")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("AdaGrad", "adagrad_eps_inside"),
        ("Rprop", "sign_sgd"),
        ("AdamOffByOne", "adam+first_correction_t_minus_1+second_correction_t_minus_1"),
        ("AdamWFromABlog", "adam_l2"),
        ("AdamWFromANotebook", "adamw+no_first_correction+eps_inside"),
    ],
)
def test_code_that_is_called_something_else_is_named_after_what_it_computes(
    workers: Workers, name: str, rule: str
) -> None:
    answer = identified(workers, f"{HANDWRITTEN}:{name}")
    assert (answer.name, answer.verdict) == (rule, "proved")


def test_code_that_cannot_be_read_is_named_by_its_steps(workers: Workers) -> None:
    answer = identified(workers, f"{SUBJECTS}:Unseen")
    assert (answer.name, answer.verdict, answer.hyper["momentum"]) == ("momentum", OBSERVED, "decay")
    assert 100 < answer.steps <= MOST_STEPS


def test_code_that_cannot_be_read_and_takes_the_steps_of_no_rule_has_no_name(workers: Workers) -> None:
    answer = identified(workers, f"{SUBJECTS}:TakesNorm")
    assert (answer.name, answer.verdict) == (None, OBSERVED)
    assert "a norm over the whole tensor" in answer.text()


def test_a_branch_that_was_not_read_is_said_beside_the_name(workers: Workers) -> None:
    answer = identified_by(workers, f"{SUBJECTS}:RestsWhereLarge", Choice(""), verified=True)
    assert answer is not None
    assert answer.contradicted
    assert f"the reading is not verified: {PARTS}" in answer.text()
    assert "and its runs do something else" in answer.text()
    json.dumps(answer.to_json())


def test_a_class_is_identified_in_this_process() -> None:
    (answer,) = module.identify(torch.optim.Adagrad, fixed={"lr_decay": 0.0, "weight_decay": 0.0, "foreach": False})
    assert (answer.name, answer.verdict) == ("adagrad+initial_accumulator", "proved")
