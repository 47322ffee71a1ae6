"""Envelopes of schedules: torch's recorded sequences lie inside, and schedules that are a little wrong lie outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LinearLR, PolynomialLR, SequentialLR, StepLR

from stepcheck_implementations.recorder import scheduler_runs
from stepcheck_implementations.recorder.scheduler_recipes import ALL
from stepcheck_reference.schedules.rate_envelope import envelope, envelope_of_jumps, envelope_of_momenta

BY_NAME = {recipe["name"]: recipe for recipe in ALL}
RECORDED = {name: scheduler_runs.schedule(recipe) for name, recipe in BY_NAME.items()}

AHEAD = "SequentialLR, sequences in a sequence"
"""torch runs the inner sequence one epoch ahead, because the outer one steps it once more when it is built."""

UNDEFINED = {
    "MultiplicativeLR, resumed",
    "LinearLR, resumed",
    "ExponentialLR, resumed",
    "PolynomialLR, resumed",
    "CosineAnnealingLR, resumed",
    "ConstantLR, total_iters 0",
    "SequentialLR, a takeover by what multiplies",
}
"""Recipes that run, though the documentation defines no sequence for them; see ``envelope``."""


def radii(sequence: NDArray[np.float64], centre: NDArray[np.float64], radius: NDArray[np.float64]) -> float:
    """Return the largest error as a multiple of the radius, infinite where the radius is 0; closed forms may be nan."""
    rows = len(sequence)
    error = np.abs(sequence - centre[:rows])
    assert not np.isnan(error[~np.isnan(sequence)]).any()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0.0, error / radius[:rows])
    return float(np.nanmax(ratio, initial=0.0))


def compared(recipe: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float64]]) -> Iterator[tuple[str, float]]:
    """Yield each array that has an envelope, and its largest error in radii."""
    steps = recipe["steps"]
    envelopes = {
        ("lr", "closed"): lambda: envelope(recipe, steps),
        ("jumped",): lambda: envelope_of_jumps(recipe),
        ("momentum", "beta1"): lambda: envelope_of_momenta(recipe, steps),
    }
    for names, make_envelope in envelopes.items():
        for name in names:
            if len(arrays.get(name, ())) and (bounds := make_envelope()) is not None:
                yield name, radii(arrays[name], *bounds)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_recorded_sequence_lies_in_its_envelope(name: str) -> None:
    for array, ratio in compared(BY_NAME[name], RECORDED[name][1]):
        assert (ratio > 1) == ((name, array) == (AHEAD, "lr")), (array, ratio)


def test_every_schedule_that_runs_to_its_end_has_an_envelope_but_for_those_undefined() -> None:
    ran = {name for name, (facts, _) in RECORDED.items() if "driven" not in facts["raised"]}
    assert {name for name in ran if envelope(BY_NAME[name], BY_NAME[name]["steps"]) is None} == UNDEFINED


def test_the_radius_is_within_two_orders_of_torch_s_error() -> None:
    worst = {
        (name, array): ratio
        for name, recipe in BY_NAME.items()
        if name != AHEAD
        for array, ratio in compared(recipe, RECORDED[name][1])
    }
    off = sorted(ratio for ratio in worst.values() if ratio > 0)
    print(
        f"{len(worst)} sequences, {len(off)} of them inexact: {off[0]:.3f} … {off[len(off) // 2]:.3f} … {off[-1]:.3f}"
    )
    assert len(off) > len(worst) / 2
    assert 0.01 < off[0] <= off[-1] <= 1.0


def test_a_nested_sequential_schedule_runs_an_epoch_ahead() -> None:
    bounds = envelope(BY_NAME[AHEAD], 14)
    assert bounds is not None
    lr = RECORDED[AHEAD][1]["lr"]
    assert radii(lr[1:5], *(array[1:5] for array in bounds)) > 1
    assert radii(lr[1:5], *(array[2:6] for array in bounds)) <= 1


RATES = st.floats(min_value=1e-4, max_value=1.0)
FACTORS = st.floats(min_value=0.1, max_value=1.2)
SMALL = st.integers(1, 12)
SHARES = st.floats(min_value=0.01, max_value=1.0)
SETTINGS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "StepLR": {"step_size": SMALL, "gamma": FACTORS},
    "MultiStepLR": {"milestones": st.lists(st.integers(0, 14), max_size=4), "gamma": FACTORS},
    "ConstantLR": {"factor": SHARES, "total_iters": SMALL},
    "LinearLR": {"start_factor": SHARES, "end_factor": SHARES | st.just(0.0), "total_iters": SMALL},
    "ExponentialLR": {"gamma": FACTORS},
    "PolynomialLR": {"total_iters": SMALL, "power": st.sampled_from([0.5, 1.0, 2.0]) | st.floats(0.1, 4.0)},
    "CosineAnnealingLR": {"T_max": SMALL, "eta_min": RATES | st.just(0.0)},
    "CosineAnnealingWarmRestarts": {"T_0": SMALL, "T_mult": st.integers(1, 3), "eta_min": RATES | st.just(0.0)},
    "CyclicLR": {
        "base_lr": RATES,
        "max_lr": RATES,
        "step_size_up": SMALL,
        "step_size_down": SMALL,
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": st.floats(0.8, 1.0),
    },
    "OneCycleLR": {
        "max_lr": RATES,
        "total_steps": st.integers(24, 40),
        "pct_start": st.floats(0.15, 0.45),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "three_phase": st.booleans(),
    },
    "ReduceLROnPlateau": {
        "factor": st.floats(0.0, 0.9),
        "patience": st.integers(0, 2),
        "cooldown": st.integers(0, 2),
        "mode": st.sampled_from(["min", "max"]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
    },
}


@pytest.mark.parametrize("kind", SETTINGS)
@given(data=st.data())
@settings(max_examples=15, deadline=None, database=None, derandomize=True)
def test_whatever_the_settings_a_sequence_lies_in_its_envelope(kind: str, data: st.DataObject) -> None:
    drawn = data.draw(st.fixed_dictionaries(SETTINGS[kind]))
    metrics = data.draw(st.lists(st.sampled_from([1.0, 0.9, 0.95, 0.89]), min_size=20, max_size=20))
    like = next(recipe for recipe in ALL if recipe["target"].endswith(f".{kind}"))
    recipe = {**like, "settings": drawn, "steps": 20, "metrics": metrics, "groups": [{"lr": data.draw(RATES)}]}
    _, arrays = scheduler_runs.schedule(recipe)
    bounds = dict(compared(recipe, arrays))
    assert "lr" in bounds
    assert max(bounds.values()) <= 1


class LateStep(StepLR):
    """StepLR that applies gamma one step late."""

    def get_lr(self) -> list[float]:
        late = self.last_epoch > 1 and (self.last_epoch - 1) % self.step_size == 0
        return [group["lr"] * (self.gamma if late else 1.0) for group in self.optimizer.param_groups]


class LongCosine(CosineAnnealingLR):
    """CosineAnnealingLR whose period is a step too long."""

    def __init__(self, optimizer: torch.optim.Optimizer, T_max: int, **settings: Any) -> None:
        super().__init__(optimizer, T_max + 1, **settings)


class OffByOneLinear(LinearLR):
    """LinearLR that is one step ahead of its line."""

    def get_lr(self) -> list[Any]:
        self.last_epoch += 1
        try:
            return list(self._get_closed_form_lr())
        finally:
            self.last_epoch -= 1


class Float32Exponential(ExponentialLR):
    """ExponentialLR whose gamma is rounded to binary32."""

    def __init__(self, optimizer: torch.optim.Optimizer, gamma: float) -> None:
        super().__init__(optimizer, float(np.float32(gamma)))


class SquaredPolynomial(PolynomialLR):
    """PolynomialLR with a power that is off by 1 in 10**12."""

    def __init__(self, optimizer: torch.optim.Optimizer, total_iters: int, power: float) -> None:
        super().__init__(optimizer, total_iters, power + 1e-12)


class LateSequence(SequentialLR):
    """SequentialLR that turns to the next scheduler a step late."""

    def __init__(self, optimizer: torch.optim.Optimizer, schedulers: list[Any], milestones: list[int]) -> None:
        super().__init__(optimizer, schedulers, [milestone + 1 for milestone in milestones])


PLANTED: tuple[tuple[str, type[Any]], ...] = (
    ("StepLR, the default factor", LateStep),
    ("CosineAnnealingLR, past its end", LongCosine),
    ("LinearLR, a long warm-up", OffByOneLinear),
    ("ExponentialLR, falling", Float32Exponential),
    ("PolynomialLR, squared", SquaredPolynomial),
    ("SequentialLR, warm-up, then exponential", LateSequence),
)


@pytest.mark.parametrize(("name", "wrong"), PLANTED, ids=[wrong.__name__ for _, wrong in PLANTED])
def test_a_wrong_schedule_lies_outside(name: str, wrong: type[Any]) -> None:
    _, arrays = scheduler_runs.schedule({**BY_NAME[name], "target": f"{__file__}:{wrong.__name__}"})
    bounds = envelope(BY_NAME[name], BY_NAME[name]["steps"])
    assert bounds is not None
    assert radii(arrays["lr"], *bounds) > 100


def rate_of(name: str, change: Callable[[dict[str, Any]], None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    recipe = deepcopy(dict(BY_NAME[name]))
    change(recipe)
    bounds = envelope(recipe, recipe["steps"])
    assert bounds is not None
    return bounds


def test_a_centre_is_the_documented_value_rounded_once_and_the_radius_is_some_ulps() -> None:
    bounds = envelope(BY_NAME["CosineAnnealingLR, past its end"], 10)
    assert bounds is not None
    centre, radius = bounds
    assert centre[[0, 10], 0].tolist() == [0.1, 0.0]
    assert abs(centre[5, 0] - 0.05) <= math.ulp(0.05)
    assert radius[0, 0] == 0.0
    assert math.ulp(0.05) / 2 < radius[5, 0] < 64 * math.ulp(0.05)


def test_a_step_whose_phase_depends_on_rounding_holds_both_sides() -> None:
    # 0.7 · 30 is 21 in binary64 and a little less exactly, so that step 20 is in either phase.
    centre, radius = rate_of("OneCycleLR, a start that rounds", lambda recipe: None)
    assert 0.7 * 30 - 1 == 20.0
    assert abs(centre[20, 0] - 0.1) <= radius[20, 0] < 1e-15


def test_a_metric_that_just_misses_its_margin_holds_both_rates() -> None:
    # 0.91 − 0.01 rounds to 0.9, which the exact difference is not.
    centre, radius = rate_of("ReduceLROnPlateau, downwards by a margin", lambda recipe: None)
    assert (radius[:, 0] > 0.1 * centre[:, 0]).any()
    assert (radius[:, 0] == 0).any()


def test_rows_after_the_end_of_a_cycle_are_nan() -> None:
    for array in rate_of("OneCycleLR, more steps than it has", lambda recipe: recipe.update(steps=15)):
        assert np.isnan(array).all(axis=1).tolist() == [False] * 13 + [True] * 3


def test_without_a_closed_form_or_a_cycle_there_is_no_such_envelope() -> None:
    assert envelope_of_momenta(BY_NAME["CyclicLR, Adam without momentum"], 5) is None
    assert envelope_of_jumps(BY_NAME["MultiplicativeLR, a constant"]) is None


@pytest.mark.parametrize("target", ["LRScheduler", "InverseLR"])
def test_a_scheduler_without_a_formula_has_no_envelope(target: str) -> None:
    recipe = {**ALL[0], "target": f"torch.optim.lr_scheduler.{target}"}
    assert envelope(recipe, 5) is None
