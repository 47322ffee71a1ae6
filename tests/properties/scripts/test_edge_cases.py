from dataclasses import replace

import pytest

from stepcheck_properties.profile import QUICK, STANDARD
from stepcheck_properties.scripts.edge_cases import ALL, edge_cases
from stepcheck_reference import rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script_json import from_json, to_json

DTYPES = tuple(FORMATS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.name)
def test_edge_cases_are_valid_scripts_of_every_rule_and_dtype(rule, dtype):
    made = edge_cases(rule=rule, dtype=dtype, profile=QUICK, companions=DTYPES)
    assert 10 <= len(made) <= len(ALL)
    assert sum(edge_case.script.element_steps for edge_case in made) >= 24_000
    for edge_case in made:
        assert edge_case.script.tensors[0].dtype == dtype
        assert edge_case.sentence.endswith(".")
        assert edge_case.script.label == edge_case.name
        assert from_json(to_json(edge_case.script)) == edge_case.script
        for number in (1, len(edge_case.script.steps)):
            for hyper in edge_case.script.hyper_at(number):
                rule.check_hyper(hyper)


def test_the_same_arguments_give_the_same_edge_cases_and_another_seed_other_data():
    rule = rules.find("adamw")

    def made(seed):
        return edge_cases(rule=rule, dtype="float32", profile=QUICK, seed=seed, companions=DTYPES)

    assert made(3) == made(3)
    assert [edge_case.name for edge_case in made(3)] == [edge_case.name for edge_case in made(4)]
    assert made(3) != made(4)


def test_names_of_edge_cases_are_unique():
    names = [entry.name for entry in ALL]
    assert len(set(names)) == len(names)


def test_fixed_hyper_parameters_are_fixed_in_every_edge_case():
    rule = rules.find("adamw")
    fixed_hyper = {"lr": 0.125, "eps": 1e-6}
    for edge_case in edge_cases(rule=rule, dtype="float32", profile=QUICK, fixed_hyper=fixed_hyper, companions=DTYPES):
        for number in range(1, len(edge_case.script.steps) + 1):
            for hyper in edge_case.script.hyper_at(number):
                assert (hyper["lr"], hyper["eps"]) == (0.125, 1e-6), edge_case.name


def test_quick_takes_300_steps_in_bfloat16_and_standard_in_every_dtype():
    def longest(dtype, budget):
        other_mode = replace(budget, in_plain_mode=False)
        made = edge_cases(rule=rules.find("adamw"), dtype=dtype, profile=other_mode)
        return max(len(edge_case.script.steps) for edge_case in made)

    assert longest("bfloat16", QUICK) == 300
    assert longest("float32", QUICK) == 60
    assert all(longest(dtype, STANDARD) == 300 for dtype in DTYPES)


def test_a_long_run_is_made_in_the_plain_mode_of_one_dtype():
    def lengths(**places):
        made = edge_cases(rule=rules.find("adamw"), dtype="float32", profile=replace(QUICK, **places))
        return [len(edge_case.script.steps) for edge_case in made if edge_case.name == "long_run"]

    assert lengths() == [1030]
    assert lengths(in_plain_mode=False) == lengths(in_this_dtype=False) == []


def test_an_unknown_dtype_is_an_error():
    with pytest.raises(ValueError, match="dtype='float31', but should be one of"):
        edge_cases(rule=rules.find("sgd"), dtype="float31", profile=QUICK)
