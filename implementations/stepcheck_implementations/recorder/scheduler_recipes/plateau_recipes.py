"""The scheduler that waits for a metric: ReduceLROnPlateau."""

from __future__ import annotations

from stepcheck_implementations.recorder.scheduler_recipes.recipe import (
    METRICS,
    Recipe,
    recipe,
)

RECIPES: tuple[Recipe, ...] = (
    recipe("ReduceLROnPlateau", "by default", METRICS),
    recipe("ReduceLROnPlateau", "patience 2", METRICS, factor=0.5, patience=2),
    recipe("ReduceLROnPlateau", "patience 0", METRICS, factor=0.7, patience=0),
    recipe("ReduceLROnPlateau", "a cooldown", METRICS, factor=0.3, patience=1, cooldown=3),
    recipe("ReduceLROnPlateau", "a least rate", METRICS, factor=0.3, patience=0, min_lr=0.001),
    recipe("ReduceLROnPlateau", "a least rate a group", METRICS, factor=0.3, patience=0, min_lr=[0.01, 0.0001]),
    recipe("ReduceLROnPlateau", "upwards", METRICS, mode="max", factor=0.5, patience=2),
    recipe(
        "ReduceLROnPlateau",
        "upwards by a margin",
        METRICS,
        mode="max",
        threshold_mode="abs",
        threshold=0.05,
        factor=0.5,
        patience=1,
    ),
    recipe(
        "ReduceLROnPlateau",
        "downwards by a margin",
        METRICS,
        threshold_mode="abs",
        threshold=0.01,
        factor=0.5,
        patience=1,
    ),
    recipe("ReduceLROnPlateau", "changes that are too small", METRICS, factor=0.5, patience=0, eps=0.002),
    recipe("ReduceLROnPlateau", "factor 0", METRICS, factor=0.0, patience=3),
    recipe("ReduceLROnPlateau", "factor 1", METRICS, factor=1.0),
    recipe("ReduceLROnPlateau", "too few least rates", METRICS, min_lr=[0.1]),
)
