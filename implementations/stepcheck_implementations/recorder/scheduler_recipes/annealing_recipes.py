"""Schedulers that anneal along a cosine or a line: CosineAnnealingLR, warm restarts, SWALR."""

from __future__ import annotations

from stepcheck_implementations.recorder.scheduler_recipes.recipe import (
    NO_JUMPS,
    RESUMED,
    Recipe,
    recipe,
    with_steps,
)

RECIPES: tuple[Recipe, ...] = (
    recipe("CosineAnnealingLR", "past its end", T_max=10),
    recipe("CosineAnnealingLR", "down to eta_min", T_max=12, eta_min=0.0007),
    recipe("CosineAnnealingLR", "two periods", with_steps(30), T_max=7, eta_min=0.001),
    recipe("CosineAnnealingLR", "T_max 1", T_max=1),
    recipe("CosineAnnealingLR", "eta_min above a rate", T_max=8, eta_min=0.02),
    recipe("CosineAnnealingLR", "many steps", with_steps(120), T_max=100),
    recipe("CosineAnnealingLR", "T_max 0", T_max=0),
    recipe("CosineAnnealingLR", "resumed", RESUMED, T_max=6, last_epoch=3),
    recipe("CosineAnnealingWarmRestarts", "one length", {"jumps": [1, 5, 3.5, 12, 0]}, T_0=5),
    recipe("CosineAnnealingWarmRestarts", "T_mult 2", with_steps(32), T_0=3, T_mult=2, eta_min=0.001),
    recipe("CosineAnnealingWarmRestarts", "T_mult 3", {"steps": 30, "jumps": [2, 8, 27, 0.5, 26, 80]}, T_0=2, T_mult=3),
    recipe("CosineAnnealingWarmRestarts", "T_0 1", T_0=1),
    recipe("CosineAnnealingWarmRestarts", "eta_min above a rate", T_0=4, eta_min=0.02),
    recipe("CosineAnnealingWarmRestarts", "T_0 0", T_0=0),
    recipe("CosineAnnealingWarmRestarts", "resumed", RESUMED, T_0=5, last_epoch=3),
    recipe("SWALR", "cosine", NO_JUMPS, swa_lr=0.05),
    recipe("SWALR", "linear", NO_JUMPS, swa_lr=0.02, anneal_epochs=6, anneal_strategy="linear"),
    recipe("SWALR", "one rate a group", NO_JUMPS, swa_lr=[0.05, 0.0001], anneal_epochs=5),
    recipe("SWALR", "no epochs to anneal", NO_JUMPS, swa_lr=0.05, anneal_epochs=0),
    recipe("SWALR", "linear, no epochs to anneal", NO_JUMPS, swa_lr=0.05, anneal_epochs=0, anneal_strategy="linear"),
    recipe("SWALR", "one epoch to anneal", NO_JUMPS, swa_lr=0.05, anneal_epochs=1),
    recipe("SWALR", "resumed", {**RESUMED, **NO_JUMPS}, swa_lr=0.01, anneal_epochs=8, last_epoch=3),
    recipe("SWALR", "an unknown strategy", NO_JUMPS, swa_lr=0.05, anneal_strategy="exp"),
)
