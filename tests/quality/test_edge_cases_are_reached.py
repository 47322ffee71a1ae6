"""The generators reach what past bugs needed: each edge case is among the enumerated and among the drawn scripts."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from stepcheck_properties.profile import QUICK
from stepcheck_properties.scripts.edge_cases import edge_cases
from stepcheck_properties.strategies import scripts
from stepcheck_reference import rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Literal

REAL = ("float16", "bfloat16", "float32", "float64")
DTYPES = tuple(FORMATS)


def reached(script):
    """Return the edge cases that ``script`` reaches, by name."""
    names = set()
    for tensor in script.tensors:
        names.add(f"{len(tensor.shape)}-d")
        names.add(tensor.layout)
        if tensor.gradient_layout:
            names.add(f"gradient {tensor.gradient_layout}")
        if tensor.frozen:
            names.add("frozen")
        if 0 in tensor.shape:
            names.add("empty")
        if tensor.size > 65_536:
            names.add("longer than a chunk")
        names.add(tensor.dtype)
    if len({tensor.dtype for tensor in script.tensors}) > 1:
        names.add("mixed dtypes")
    if len({tuple(group.hyper.items()) for group in script.groups}) > 1:
        names.add("two groups with different hyper-parameters")
    for group in script.groups:
        empty = [0 in script.tensors[index].shape for index in group.tensors]
        if len(group.tensors) > 110:
            names.add("more tensors than a launch")
        if not all(empty):
            names |= {f"empty {place}" for place, is_empty in (("first", empty[0]), ("last", empty[-1])) if is_empty}
        elif len(script.tensors) == 1:
            names.add("nothing but empty")
        else:
            names.add("empty alone in its group")
        if sum(script.tensors[index].layout == "flat" for index in group.tensors) > 1:
            names.add("parameters of one buffer")
    if script.threads > 1:
        names.add("two threads")
    if 300 <= len(script.steps) < 1000:
        names.add("300 steps")
    if len(script.steps) >= 1000:
        names.add("1000 steps")
    for number, step in enumerate(script.steps, 1):
        if step.reload:
            names.add("reload")
        if any(data is None for data in step.gradients):
            names.add("all gradients None" if set(step.gradients) == {None} else "None gradient")
        for _, name, value in step.hyper:
            names.add("lr changed" if name == "lr" else "another hyper-parameter changed")
            if name == "lr" and value == 0:
                names.add("lr changed to 0")
        for _, data in step.overwrite:
            names.add("overwritten with 0" if data == Literal((0.0,)) else "overwritten with other values")
        for group, hyper in zip(script.groups, script.hyper_at(number), strict=True):
            names |= {f"{name}=0" for name, value in hyper.items() if value == 0}
            names |= {f"{name}<=1/2" for name, value in hyper.items() if 0 < value <= 0.5}
            if hyper.get("eps") == 1.0:
                names.add("eps=1")
            if hyper.get("eps", 1.0) <= 1e-15:
                names.add("tiny eps")
            if hyper.get("lr") == 0 and any(step.gradients[index] == Literal((0.0,)) for index in group.tensors):
                names.add("lr=0 with zero gradient")
    if len(script.steps) <= 60 and sum(tensor.size for tensor in script.tensors) <= 2000:
        names |= {f"gradient {name}" for name in _numbers(script)}
    return names


def _numbers(script):
    names = set()
    for index, tensor in enumerate(script.tensors):
        form = FORMATS[tensor.dtype]
        sizes = []
        for step in script.steps:
            data = step.gradients[index]
            if data is None or not tensor.size:
                continue
            values = expand(data, tensor.size, tensor.dtype)
            magnitude = np.abs(values)
            for name, mask in {
                "zero": (values == 0) & ~np.signbit(values),
                "minus zero": (values == 0) & np.signbit(values),
                "subnormal": (magnitude > 0) & (magnitude < form.smallest_normal),
                "one ulp from 0": values == form.smallest_subnormal,
                "minus one ulp from 0": values == -form.smallest_subnormal,
                "an ulp from 1": (magnitude != 1) & (np.abs(magnitude - 1) <= 2 * form.unit_roundoff),
                "not finite": ~np.isfinite(values),
            }.items():
                if mask.any():
                    names.add(name)
            sizes.append(float(magnitude.max()))
        if len(sizes) >= 4 and all(0 < later < earlier / 2 for earlier, later in pairwise(sizes)):
            names.add("shrinking")
    return names


ENUMERATED = (
    "0-d", "1-d", "2-d", "3-d", "4-d", "empty", *("contiguous", "transposed", "sliced", "channels_last"),
    "two groups with different hyper-parameters", "mixed dtypes", "None gradient", "all gradients None", "reload",
    "lr changed", "lr changed to 0", "overwritten with 0", "overwritten with other values", "lr=0",
    "lr=0 with zero gradient", "beta1=0", "beta2=0", "beta1<=1/2", "beta2<=1/2", "eps=1", "tiny eps",
    "weight_decay=0", "1000 steps", "another hyper-parameter changed",
    "gradient zero", "gradient minus zero", "gradient subnormal", "gradient one ulp from 0",
    "gradient minus one ulp from 0", "gradient an ulp from 1",
)  # fmt: skip

OF_MEMORY = (
    *(f"gradient {name}" for name in ("contiguous", "transposed", "channels_last", "sliced", "flat", "expanded")),
    "frozen", "longer than a chunk", "two threads", "more tensors than a launch", "parameters of one buffer",
    "empty first", "empty last", "empty alone in its group", "nothing but empty",
)  # fmt: skip
"""What is reached in one dtype and one configuration of each mode, because it is not about numbers."""

JOINT = ("lr=0 with zero gradient", "lr changed to 0")
"""Two rare things at once, which enumeration is for."""

DRAWN = (
    *(name for name in ENUMERATED if name not in (*JOINT, "1000 steps")),
    "gradient shrinking",
    "gradient not finite",
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_enumerated_scripts_reach_each_edge_case_in_every_dtype(dtype):
    made = edge_cases(rule=rules.find("adamw"), dtype=dtype, profile=QUICK, companions=DTYPES)
    names = set().union(*(reached(edge_case.script) for edge_case in made))
    assert sorted(set(ENUMERATED) - names) == []
    assert ("300 steps" in names) == (dtype == "bfloat16")


def test_the_enumerated_scripts_reach_the_limits_of_kernels_where_the_profile_has_them():
    def names(**less):
        made = edge_cases(rule=rules.find("adamw"), dtype="float32", profile=replace(QUICK, **less))
        return set().union(*(reached(edge_case.script) for edge_case in made))

    assert sorted(set(OF_MEMORY) - names()) == []
    missing = set(OF_MEMORY) - names(in_first_configuration=False)
    assert missing == {
        "empty first", "empty last", "empty alone in its group", "frozen", "longer than a chunk", "two threads",
        "more tensors than a launch",
    }  # fmt: skip
    assert not set(OF_MEMORY) & names(in_this_dtype=False)


def test_every_size_up_to_the_width_of_a_vector_is_among_the_many_tensors():
    made = {c.name: c.script for c in edge_cases(rule=rules.find("adamw"), dtype="float32", profile=QUICK)}
    assert {tensor.size for tensor in made["many_tensors"].tensors} >= set(range(18))


def test_gradients_shrink_until_they_underflow():
    for dtype in DTYPES:
        made = {c.name: c.script for c in edge_cases(rule=rules.find("adamw"), dtype=dtype, profile=QUICK)}
        script = made["shrinking_gradients"]
        largest = [
            float(np.abs(expand(step.gradients[0], script.tensors[0].size, dtype)).max()) for step in script.steps
        ]
        assert largest[0] > 0.5
        assert largest == sorted(largest, reverse=True)
        assert 0 <= largest[-1] < FORMATS[dtype].smallest_normal


def test_the_bulk_spreads_over_the_exponents_and_starts_from_zero():
    made = {c.name: c.script for c in edge_cases(rule=rules.find("adamw"), dtype="float32", profile=QUICK)}
    script = made["bulk"]
    assert 2500 <= sum(tensor.size for tensor in script.tensors) <= 4500
    assert len({tuple(group.hyper.items()) for group in script.groups}) == 3
    exponents = [
        np.log2(np.abs(expand(step.gradients[index], tensor.size, "float32")))
        for step in script.steps
        for index, tensor in enumerate(script.tensors)
    ]
    spread = np.concatenate([values[np.isfinite(values)] for values in exponents])
    assert spread.max() - spread.min() > 100
    assert script.tensors[2].initial == Literal((0.0,))


def drawn(dtype, count, **more):
    """Count the edge cases that ``count`` drawn scripts reach."""
    counts = Counter()

    @seed(2)
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(scripts(rule=rules.find("adamw"), dtype=dtype, companions=DTYPES, **more))
    def collect(script):
        counts.update(reached(script))

    collect()
    return counts


@pytest.mark.parametrize("dtype", ["bfloat16", "complex64"])
def test_drawn_scripts_reach_each_edge_case(dtype):
    counts = drawn(dtype, 500, max_steps=8)
    assert sorted(set(DRAWN) - set(counts)) == []
    assert dtype in counts
    assert counts["gradient not finite"] < 0.1 * 500  # rare: the oracle can compare nothing there


def test_thorough_draws_reach_300_steps():
    rule = rules.find("sgd")
    lengths = set()

    @seed(2)
    @settings(max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(scripts(rule=rule, dtype="float32", max_steps=300, max_tensors=1, fixed_hyper={"lr": 0.1}))
    def collect(script):
        lengths.add(len(script.steps))

    collect()
    assert min(lengths) == 1
    assert max(lengths) == 300


def turns(script):
    """Return what happens to signs and step sizes in ``script``, by the definition of Rprop, in binary64."""
    turning = set()
    for group in script.groups:
        hyper = group.hyper
        for index in group.tensors:
            tensor = script.tensors[index]
            step_size, last = np.full(tensor.size, hyper["lr"]), np.zeros(tensor.size)
            for step in script.steps:
                if step.gradients[index] is None:
                    continue
                g = expand(step.gradients[index], tensor.size, tensor.dtype)
                if not np.isfinite(g).all():
                    break
                turn = np.sign(g) * np.sign(last)
                with np.errstate(all="ignore"):
                    lost = FORMATS[tensor.dtype].round(g * last) == 0
                names = {"unchanged": turn > 0, "turned": turn < 0, "at rest": turn == 0, "lost": (turn != 0) & lost}
                turning |= {name for name, mask in names.items() if mask.any()}
                wanted = step_size * np.where(turn > 0, hyper["eta_plus"], np.where(turn < 0, hyper["eta_minus"], 1.0))
                ends = {"lower end": wanted < hyper["step_min"], "upper end": wanted > hyper["step_max"]}
                turning |= {
                    f"{name} at step 1" if step is script.steps[0] else name for name, m in ends.items() if m.any()
                }
                step_size = np.clip(wanted, hyper["step_min"], hyper["step_max"])
                last = np.where(turn < 0, 0.0, g)
    return turning


TURNS = ("unchanged", "turned", "at rest", "lost", "lower end", "upper end", "upper end at step 1")


@pytest.mark.parametrize("dtype", DTYPES)
def test_signs_turn_and_step_sizes_reach_both_ends(dtype):
    made = {c.name: c.script for c in edge_cases(rule=rules.find("rprop"), dtype=dtype, profile=QUICK)}
    assert sorted(set(TURNS) - turns(made["turning_signs"])) == []


def test_only_rules_that_take_a_sign_get_signs_that_turn():
    with_signs = {
        rule.name
        for rule in rules.ALL
        if "turning_signs" in {edge_case.name for edge_case in edge_cases(rule=rule, dtype="float32", profile=QUICK)}
    }
    assert {"rprop", "sign_sgd", "lion"} <= with_signs
    assert not with_signs & {"sgd", "momentum", "adam", "amsgrad", "rmsprop", "radam", "asgd", "nadam"}


def steps_of(rule, name):
    """Return the values of ``name`` with the steps taken at each, over all edge cases of ``rule``."""
    return {
        (group.hyper[name], number)
        for edge_case in edge_cases(rule=rule, dtype="float32", profile=QUICK)
        for group in edge_case.script.groups
        for number in range(1, len(edge_case.script.steps) + 1)
    }


def test_averaging_starts_at_once_and_after_a_few_steps_and_not_yet():
    steps = steps_of(rules.find("asgd"), "t0")
    assert {t - t0 > 1 for t0, t in steps if t0 == 3.0} == {True, False}
    assert any(t0 == 0 for t0, _ in steps)
    assert max(t for t0, t in steps if t0 == 3.0) >= 40


def test_radam_is_rectified_in_some_steps_and_not_in_others():
    def rho(beta2, t):
        return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)

    rectified = Counter(rho(beta2, t) > 5 for beta2, t in steps_of(rules.find("radam"), "beta2"))
    assert rectified[True] > 30
    assert rectified[False] > 10


@pytest.mark.parametrize("fixed_hyper", [{}, {"step_min": 0.3}, {"step_max": 0.02}], ids=str)
def test_a_lower_bound_is_never_drawn_above_its_upper_bound(fixed_hyper):
    groups = []

    @seed(2)
    @settings(max_examples=100, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(scripts(rule=rules.find("rprop"), dtype="float32", max_steps=6, fixed_hyper=fixed_hyper))
    def collect(script):
        groups.extend(group for number in range(1, len(script.steps) + 1) for group in script.hyper_at(number))

    collect()
    assert all(group["step_min"] <= group["step_max"] for group in groups)
    assert all(group[name] == value for group in groups for name, value in fixed_hyper.items())
    assert len({(group["step_min"], group["step_max"]) for group in groups}) > 3
