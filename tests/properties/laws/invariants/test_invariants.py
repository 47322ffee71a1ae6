"""Laws of invariance: where they apply, and that their reference runs are what they say."""

import pytest

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.invariants.decoupled_decay import DECOUPLED_DECAY
from stepcheck_properties.laws.invariants.decreasing_steps import DECREASING_STEPS
from stepcheck_properties.laws.invariants.gradient_scaling import GRADIENT_SCALING
from stepcheck_properties.laws.invariants.permutation import PERMUTATION_EQUIVARIANCE
from stepcheck_properties.laws.invariants.sign_equivariance import SIGN_EQUIVARIANCE
from stepcheck_properties.laws.invariants.translation import TRANSLATION_INVARIANCE
from stepcheck_properties.profile import QUICK
from stepcheck_properties.scripts.from_zero import is_from_zero
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.expansion import expand

SEED = 7


def facts(name, **others):
    rule = find(name)
    return Facts(rule, frozenset(str(state) for state in rule.init), **others)


def pair(law, subject):
    (script,) = law.scripts(subject, QUICK, SEED)
    return script, law.reference(script, subject).script


def values(data, tensor):
    return expand(data, tensor.size, tensor.dtype)


def test_steps_decrease_for_adagrad_in_every_form_and_for_no_average():
    assert {rule.name for rule in ALL if DECREASING_STEPS.applies(facts(rule.name))} == {
        "adagrad",
        "adagrad_eps_inside",
        "adagrad_optax",
    }
    assert DECREASING_STEPS.applies(facts("adagrad+initial_accumulator+lr_decay+coupled_decay+maximize"))
    assert not DECREASING_STEPS.applies(facts("rmsprop"))


def test_scaling_applies_where_what_does_not_scale_can_be_zero():
    assert GRADIENT_SCALING.applies(facts("adam"))
    assert not GRADIENT_SCALING.applies(facts("adam", fixed_hyper={"eps": 1e-8}))
    assert GRADIENT_SCALING.applies(facts("rprop"))
    assert not GRADIENT_SCALING.applies(facts("adadelta"))
    assert not GRADIENT_SCALING.applies(facts("adam", interface="wrapped"))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ["adam", "radam", "rmsprop_centered_momentum+coupled_decay", "rprop"])
def test_scaled_gradients_are_exactly_four_times_and_never_lost(name, dtype):
    script, reference = pair(GRADIENT_SCALING, facts(name, dtype=dtype))
    assert is_from_zero(script)
    for one, other in zip(script.steps, reference.steps, strict=True):
        for index, tensor in enumerate(script.tensors):
            plain, scaled = values(one.gradients[index], tensor), values(other.gradients[index], tensor)
            assert (scaled == 4.0 * plain).all()
            assert (abs(plain) >= 1.0).all()


def test_scaling_has_no_reference_run_with_an_eps():
    subject = facts("adam")
    (script,) = GRADIENT_SCALING.scripts(subject, QUICK, SEED)
    spoiled = script.groups[0].hyper | {"eps": 1.0}
    groups = (type(script.groups[0])(script.groups[0].tensors, spoiled), *script.groups[1:])
    assert GRADIENT_SCALING.reference(type(script)(script.tensors, groups, script.steps), subject) is None


def test_sign_reference_runs_have_every_number_negated():
    script, reference = pair(SIGN_EQUIVARIANCE, facts("adamw"))
    for index, tensor in enumerate(script.tensors):
        assert (values(reference.tensors[index].initial, tensor) == -values(tensor.initial, tensor)).all()
        assert (
            values(reference.steps[1].gradients[index], tensor) == -values(script.steps[1].gradients[index], tensor)
        ).all()


def test_permuted_runs_keep_complex_pairs_together():
    script, reference = pair(PERMUTATION_EQUIVARIANCE, facts("sgd", dtype="complex64"))
    tensor = script.tensors[0]
    ours = values(tensor.initial, tensor).reshape(-1, 2)
    assert (values(reference.tensors[0].initial, tensor).reshape(-1, 2) == ours[::-1]).all()


def test_translated_runs_start_at_zero_and_coupled_decay_is_off():
    script, reference = pair(TRANSLATION_INVARIANCE, facts("adam_l2"))
    assert all(group.hyper["weight_decay"] == 0.0 for group in script.groups)
    assert not any(values(tensor.initial, tensor).any() for tensor in reference.tensors)
    script, _ = pair(TRANSLATION_INVARIANCE, facts("adamw"))
    assert any(group.hyper["weight_decay"] for group in script.groups)
    assert not TRANSLATION_INVARIANCE.applies(facts("asgd"))


def test_decoupled_decay_applies_to_decays_that_are_in_no_state():
    named = {rule.name for rule in ALL if DECOUPLED_DECAY.applies(facts(rule.name))}
    assert {"adamw", "lion"} <= named
    assert not named & {"adam_l2", "adam", "asgd"}
    assert not DECOUPLED_DECAY.applies(facts("adamw", fixed_hyper={"weight_decay": 0.01}))


def test_decoupled_decay_is_compared_with_parameters_halved_before_each_step():
    script, reference = pair(DECOUPLED_DECAY, facts("adamw"))
    assert all(group.hyper["weight_decay"] == 0.0 for group in reference.groups)
    for one, other in zip(script.steps, reference.steps, strict=True):
        for (index, plain), (_, halved) in zip(one.overwrite, other.overwrite, strict=True):
            tensor = script.tensors[index]
            assert (values(halved, tensor) == values(plain, tensor) / 2).all()
