import pytest

from stepcheck_properties import profile
from stepcheck_properties.profile import QUICK, STANDARD
from stepcheck_properties.scripts.edge_cases import BUILDERS, corners
from stepcheck_reference import rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import from_json, to_json

DTYPES = tuple(FORMATS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.name)
def test_corners_are_valid_scripts_of_every_rule_and_dtype(rule, dtype):
    made = corners(rule=rule, dtype=dtype, profile=QUICK, companions=DTYPES)
    assert 10 <= len(made) <= 14
    assert sum(corner.script.element_steps for corner in made) >= 24_000
    for corner in made:
        assert corner.script.tensors[0].dtype == dtype
        assert corner.sentence.endswith(".")
        assert corner.script.label == corner.name
        assert from_json(to_json(corner.script)) == corner.script
        for number in (1, len(corner.script.steps)):
            for hyper in corner.script.hyper_at(number):
                rule.check_hyper(hyper)


def test_the_same_arguments_give_the_same_corners_and_another_seed_other_data():
    rule = rules.find("adamw")

    def made(seed):
        return corners(rule=rule, dtype="float32", profile=QUICK, seed=seed, companions=DTYPES)

    assert made(3) == made(3)
    assert [corner.name for corner in made(3)] == [corner.name for corner in made(4)]
    assert made(3) != made(4)


def test_names_of_corners_are_unique():
    names = [name for name, *_ in BUILDERS]
    assert len(set(names)) == len(names)


def test_held_hyper_parameters_are_held_in_every_corner():
    rule = rules.find("adamw")
    hold = {"lr": 0.125, "eps": 1e-6}
    for corner in corners(rule=rule, dtype="float32", profile=QUICK, hold=hold, companions=DTYPES):
        for number in range(1, len(corner.script.steps) + 1):
            for hyper in corner.script.hyper_at(number):
                assert (hyper["lr"], hyper["eps"]) == (0.125, 1e-6), corner.name


def test_quick_takes_300_steps_in_bfloat16_and_standard_in_every_dtype():
    def longest(dtype, budget):
        made = corners(rule=rules.find("adamw"), dtype=dtype, profile=budget)
        return max(len(corner.script.steps) for corner in made)

    assert longest("bfloat16", QUICK) == 300
    assert longest("float32", QUICK) == 40
    assert all(longest(dtype, STANDARD) == 300 for dtype in DTYPES)


def test_profiles_grow_and_are_found_by_name():
    assert [entry.name for entry in profile.ALL] == ["quick", "standard", "thorough"]
    assert [entry.examples for entry in profile.ALL] == sorted(entry.examples for entry in profile.ALL)
    assert profile.find("quick") is QUICK
    with pytest.raises(ValueError, match="did you mean thorough"):
        profile.find("thorogh")


def test_an_unknown_dtype_is_told():
    with pytest.raises(ValueError, match="dtype='float31', but should be one of"):
        corners(rule=rules.find("sgd"), dtype="float31", profile=QUICK)
