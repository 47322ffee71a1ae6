"""Facts that only laws on subjects use: steps that fade, and states that are odd or even."""

import pytest

from stepcheck_reference.alphabet import b, eta, m, v
from stepcheck_reference.facts import is_fading, odd_states
from stepcheck_reference.rules import find


@pytest.mark.parametrize("name", ["adagrad", "adagrad_eps_inside", "adagrad_optax", "adagrad+lr_decay+coupled_decay"])
def test_steps_of_adagrad_fade(name):
    assert is_fading(find(name)) is True
    assert is_fading(find(f"{name}+maximize")) is True


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "amsgrad", "momentum", "nesterov_lookahead"])
def test_of_other_steps_it_is_not_said_that_they_fade(name):
    assert is_fading(find(name)) is None


def test_averages_of_gradients_are_odd_and_those_of_squares_even():
    assert odd_states(find("adam")) == {m: True, v: False}
    assert odd_states(find("momentum")) == {b: True}
    assert odd_states(find("asgd"))[eta] is False
