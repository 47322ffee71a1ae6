"""Every rule against arithmetic written out by hand, to forty digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mpmath
import pytest
from mpmath import mpf

from exam.adaptive_by_hand import (
    adadelta,
    adagrad,
    adam_like,
    adamax,
    eps_in_root,
    hat,
    inside,
    nadam,
    nadam_fixed,
    outside,
    radam,
    raw,
    rmsprop,
    root_and_eps,
)
from exam.combinations import CHAINS
from exam.momentum_by_hand import (
    asgd,
    averaged,
    lion,
    momentum,
    momentum_lr_inside,
    nesterov,
    nesterov_gradient_difference,
    nesterov_lookahead,
    rprop,
    rprop_optax,
    sgd,
    sign_sgd,
)
from exam.walks import DIGITS, GRADIENTS, HYPER, PRECISION, START, Values, Walk, digits_of, shown, walked
from planted.by_hand import by_hand as planted_by_hand
from stepcheck_reference.facts import is_sign_equivariant, is_translation_invariant
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rules import ALL, find


@pytest.fixture(autouse=True)
def sixty_digits() -> Iterator[None]:
    with mpmath.workdps(PRECISION):
        yield


BY_HAND: dict[str, Callable[[Values], Walk]] = {
    "sgd": sgd,
    "sign_sgd": sign_sgd,
    "momentum": momentum,
    "momentum_lr_inside": momentum_lr_inside,
    "momentum_ema": averaged(looks_ahead=False),
    "nesterov": nesterov,
    "nesterov_lookahead": nesterov_lookahead,
    "nesterov_gradient_difference": nesterov_gradient_difference,
    "nesterov_ema": averaged(looks_ahead=True),
    "lion": lion,
    "adagrad": adagrad(root_and_eps),
    "adagrad_eps_inside": adagrad(eps_in_root),
    "adagrad_optax": adagrad(lambda h, total: eps_in_root(h, total) if total > 0 else 0),
    "adagrad+initial_accumulator": adagrad(root_and_eps, start="initial_accumulator"),
    "adagrad+lr_decay": adagrad(root_and_eps, falls=True),
    "adagrad+initial_accumulator+lr_decay+coupled_decay": adagrad(
        root_and_eps, start="initial_accumulator", decayed=True, falls=True
    ),
    "rmsprop": rmsprop(root_and_eps),
    "rmsprop_eps_inside": rmsprop(eps_in_root),
    "rmsprop_centered": rmsprop(root_and_eps, centered=True),
    "rmsprop_centered_eps_inside": rmsprop(eps_in_root, centered=True),
    "rmsprop_momentum": rmsprop(root_and_eps, buffer="b"),
    "rmsprop_centered_momentum": rmsprop(root_and_eps, centered=True, buffer="b"),
    "rmsprop_tf": rmsprop(eps_in_root, start="1", buffer="velocity", lr_inside=True),
    "rmsprop_eps_inside+initial_accumulator": rmsprop(eps_in_root, start="initial_accumulator"),
    "rmsprop_momentum+lr_inside": rmsprop(root_and_eps, buffer="b", lr_inside=True),
    "rmsprop_centered_momentum+eps_inside+lr_inside": rmsprop(eps_in_root, centered=True, buffer="b", lr_inside=True),
    "adadelta": adadelta,
    "adam": adam_like(outside),
    "adam_eps_hat": adam_like(hat),
    "adam_eps_inside": adam_like(inside),
    "amsgrad": adam_like(outside, largest="raw"),
    "amsgrad_paper": adam_like(raw, largest="raw", correct_first=False),
    "amsgrad_corrected_max": adam_like(raw, largest="corrected"),
    "amsgrad_eps_hat": adam_like(hat, largest="raw"),
    "adamw": adam_like(outside, shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x),
    "adam_l2": adam_like(outside, seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam_l2+maximize": adam_like(outside, seen_gradient=lambda h, x, d: h["weight_decay"] * x - d),
    "adamw+maximize": adam_like(
        outside,
        seen_gradient=lambda h, x, d: -d,
        shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x,
    ),
    "amsgrad+coupled_decay": adam_like(outside, largest="raw", seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam+decoupled_decay_paper": adam_like(outside, shrunk=lambda h, x: x - h["weight_decay"] * x),
    "adam+eps_root": adam_like(lambda h, second, weight: mpmath.sqrt(second / weight + h["eps_root"]) + h["eps"]),
    "adam+no_bias_correction": adam_like(raw, correct_first=False),
    "adam+no_second_correction": adam_like(raw),
    "adam+no_first_correction": adam_like(outside, correct_first=False),
    "adam+no_first_correction+eps_inside+decoupled_decay": adam_like(
        inside, correct_first=False, shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x
    ),
    "adamax": adamax(inside=True),
    "adamax_keras": adamax(inside=False),
    "nadam": nadam(),
    "nadam+coupled_decay": nadam(decayed="coupled"),
    "nadam+decoupled_decay": nadam(decayed="decoupled"),
    "nadam_fixed_beta": nadam_fixed(ahead=1),
    "nadam_ruder": nadam_fixed(ahead=0),
    "radam": radam(lambda length: length > 5),
    "radam_paper": radam(lambda length: length > 4),
    "radam_optax": radam(lambda length: length >= 5, eps_at="corrected"),
    "radam_resting": radam(lambda length: length >= 5, rests=True),
    "radam+coupled_decay": radam(lambda length: length > 5, decayed=True),
    "asgd": asgd,
    "rprop": rprop,
    "rprop_optax": rprop_optax,
}

for _rule, _function in planted_by_hand().items():
    BY_HAND[_rule] = lambda h, _function=_function: _function(h, mpf(START), [mpf(one) for one in GRADIENTS])


INDISTINGUISHABLE = {"adagrad_eps_inside", "adagrad_optax"}
"""Rules that differ only where the sum of squares and eps are both 0."""


def by_hand(name: str) -> Walk:
    return BY_HAND[name]({hyper: mpf(value) for hyper, value in HYPER.items()})


@pytest.mark.parametrize("name", BY_HAND)
def test_a_rule_agrees_with_arithmetic_written_by_hand(name: str) -> None:
    assert shown(walked(find(name))) == shown(by_hand(name))


@pytest.mark.parametrize("name", [rule.name for rule in ALL])
def test_every_rule_has_arithmetic_written_by_hand(name: str) -> None:
    assert name in BY_HAND, (
        f"rule {name!r} has no arithmetic written by hand: write a function {name}(h, x, gradients) next to its "
        "planted class in tests/planted/rules/, as tests/planted/by_hand.py says"
    )


def test_no_two_rules_agree_with_the_same_arithmetic() -> None:
    rules = {name: shown(walked(find(name))) for name in BY_HAND}
    by_hand_values = {name: shown(by_hand(name)) for name in BY_HAND}
    for first, rule in rules.items():
        equivalent = {first} | (INDISTINGUISHABLE if first in INDISTINGUISHABLE else set())
        assert {second for second, values in by_hand_values.items() if rule == values} == equivalent


def test_the_walk_takes_every_branch() -> None:
    """The walk covers RAdam's switch, ASGD's t0, a change of sign, and a maximum that is not the newest value."""
    lengths = [9 - 2 * count * mpf("0.8") ** count / (1 - mpf("0.8") ** count) for count in range(1, 10)]
    assert [sum(length > bound for length in lengths) for bound in (5, 4)] == [3, 5]
    assert int(HYPER["t0"]) + 2 < len(GRADIENTS)
    assert any(values["v_max"] > values["v"] for values in walked(find("amsgrad")))
    assert digits_of("nadam_fixed_beta") != digits_of("nadam_ruder")


@pytest.mark.parametrize("family", [rule.name for rule in ALL])
def test_every_chain_of_rewrites_moves_and_stays_finite(family: str) -> None:
    for rule in (find(name) for name in CHAINS if name.partition("+")[0] == family):
        steps = list(walked(rule))
        assert len(steps) == len(GRADIENTS)
        for values in steps:
            assert set(values) == {"theta"} | {state.name for state in (*rule.states, *rule.scalars)}
            assert all(mpmath.isfinite(value) for value in values.values()), rule.name
        assert steps[-1]["theta"] != mpf(START)


def test_torch_momentum_starts_with_the_undampened_gradient_and_the_average_does_not() -> None:
    assert next(walked(find("momentum")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("nesterov")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("momentum_ema")))["M"] == (1 - mpf(HYPER["beta"])) * mpf(GRADIENTS[0])


def test_maximize_mirrors_a_rule_without_decay() -> None:
    start = mpf(START)
    symmetric = [rule for rule in ALL if is_sign_equivariant(rule) and is_translation_invariant(rule)]
    mirrored = [rule for rule in symmetric if MAXIMIZE.applies(rule)]
    assert len(mirrored) > 30
    for rule in mirrored:
        down = [values["theta"] - start for values in walked(rule)]
        up = [values["theta"] - start for values in walked(find(f"{rule.name}+maximize"))]
        assert [mpmath.nstr(-move, DIGITS) for move in down] == [mpmath.nstr(move, DIGITS) for move in up]
