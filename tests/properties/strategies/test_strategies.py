import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, find, given, seed, settings
from hypothesis import strategies as st

import stepcheck_reference.scripts.script as data
from stepcheck_properties.strategies import (
    dtypes,
    gradients,
    hyper_parameters,
    layouts,
    reals,
    scripts,
    seeds,
    shapes,
    tensors,
)
from stepcheck_properties.strategies.hyper_parameters import domains_of, hyper_values
from stepcheck_reference import rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Literal, Step
from stepcheck_reference.scripts.script_json import from_json, to_json

FEW = settings(max_examples=60, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PASTE = {**vars(data), "inf": math.inf, "nan": math.nan}


def smallest(strategy, condition=lambda _: True):
    return find(strategy, condition, settings=settings(FEW, max_examples=100))


@FEW
@given(st.data(), dtypes(), st.sampled_from(rules.ALL))
def test_scripts_survive_json_and_paste(draw, dtype, rule):
    script = draw.draw(scripts(rule=rule, dtype=dtype, companions=tuple(FORMATS)))
    assert repr(from_json(to_json(script))) == repr(script)
    assert repr(eval(repr(script), dict(PASTE))) == repr(script)


@FEW
@given(st.data(), dtypes(), st.sampled_from(rules.ALL))
def test_scripts_are_what_their_arguments_say(draw, dtype, rule):
    script = draw.draw(scripts(rule=rule, dtype=dtype, companions=("bfloat16", "complex64"), max_steps=5))
    assert script.tensors[0].dtype == dtype
    assert {tensor.dtype for tensor in script.tensors} <= {dtype, "bfloat16", "complex64"}
    assert len({tensor.dtype.startswith("complex") for tensor in script.tensors}) == 1
    assert 1 <= len(script.steps) <= 5
    for number in range(1, len(script.steps) + 1):
        for hyper in script.hyper_at(number):
            assert set(hyper) == {str(symbol) for symbol in rule.hyper}
            rule.check_hyper(hyper)


@FEW
@given(st.data(), dtypes())
def test_drawn_numbers_are_exact_in_their_dtype(draw, dtype):
    number = draw.draw(reals(dtype=dtype))
    assert math.isfinite(number)
    expanded = float(expand(Literal((number,)), 1, dtype)[0])
    assert expanded == number
    assert math.copysign(1.0, expanded) == math.copysign(1.0, number)


def test_fixed_hyper_parameters_stay_and_others_vary():
    rule = rules.find("adamw")
    strategy = scripts(rule=rule, dtype="float32", fixed_hyper={"lr": 0.25, "beta1": 0.0}, max_steps=6)
    values = set()

    @FEW
    @given(strategy)
    def check(script):
        for number in range(1, len(script.steps) + 1):
            for hyper in script.hyper_at(number):
                assert (hyper["lr"], hyper["beta1"]) == (0.25, 0.0)
                values.add(hyper["beta2"])

    check()
    assert len(values) > 5


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.name)
def test_hyper_parameters_lie_in_their_domains(rule):
    @FEW
    @given(hyper_parameters(rule=rule))
    def check(hyper):
        rule.check_hyper(hyper)

    check()


def test_scripts_shrink_to_one_scalar_and_one_step():
    script = smallest(scripts(rule=rules.find("adam"), dtype="float32"), lambda script: script.element_steps >= 1)
    assert [tensor.shape for tensor in script.tensors] == [()]
    assert script.tensors[0].initial == Literal((0.0,))
    assert len(script.steps) == 1
    assert replace(script.steps[0], gradients=()) == Step(gradients=())


def test_strategies_shrink_to_the_simplest():
    assert smallest(shapes()) == ()
    assert smallest(shapes(), lambda shape: math.prod(shape) >= 2) == (2,)
    assert smallest(dtypes()) == "float32"
    assert smallest(layouts(shape=(2, 2))) == "contiguous"
    assert smallest(reals(dtype="float32")) == 0.0
    assert smallest(reals(dtype="float32"), lambda x: x > 2) == 3.0
    assert smallest(seeds()) == 0
    assert smallest(gradients(size=3, dtype="float32")) == Literal((0.0,))
    assert smallest(tensors(dtype="bfloat16")).shape == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scripts(rule=rules.find("sgd"), dtype="float31"), "dtype='float31', but should be one of"),
        (lambda: scripts(rule=rules.find("sgd"), dtype="float32", max_steps=0), "max_steps=0, but should be 1 to 300"),
        (lambda: shapes(min_dims=3, max_dims=2), "min_dims=3, max_dims=2, but should be"),
        (lambda: shapes(min_side=2), "min_side=2"),
        (lambda: gradients(size=-1, dtype="float32"), "size=-1, but should be at least 0"),
        (lambda: dtypes(among=("complex64",), allow_complex=False), "should leave at least one dtype"),
        (lambda: hyper_values(rule=rules.find("sgd"), name="beta1"), "name='beta1', but sgd has lr"),
    ],
)
def test_wrong_arguments_raise_at_once(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_draws_do_not_depend_on_constants_of_imported_modules():
    """Hypothesis draws constants it finds in imported modules; none below 100 in magnitude, and we draw no other."""
    from hypothesis.internal.conjecture import providers

    def drawn():
        collected = []

        @seed(5)
        @settings(FEW, derandomize=False)
        @given(scripts(rule=rules.find("adamw"), dtype="float32", companions=("float64",), max_steps=20))
        def collect(script):
            collected.append(script)

        collect()
        return collected

    before = drawn()
    planted = [*range(-150, -99), *range(100, 150), 300]
    added = [number for number in planted if number not in providers._local_constants.integers]
    try:
        for number in added:
            providers._local_constants.integers.add(number)
        providers.CONSTANTS_CACHE.cache.clear()
        assert drawn() == before
    finally:
        for number in added:
            providers._local_constants.integers.discard(number)
        providers.CONSTANTS_CACHE.cache.clear()


def test_domains_are_those_of_the_rule():
    rule = rules.find("adamw")
    assert list(domains_of(rule)) == [str(symbol) for symbol in rule.hyper]
    assert all(str(domain) for domain in domains_of(rule).values())
