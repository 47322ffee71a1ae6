"""Schedulers that cycle rates and momentum: CyclicLR and OneCycleLR."""

from __future__ import annotations

from stepcheck_implementations.recorder.scheduler_recipes.recipe import (
    ADAM_CYCLE,
    MOMENTUM_CYCLE,
    SGD_CYCLE,
    Recipe,
    function_of_epoch,
    recipe,
    resumed_groups,
)

RECIPES: tuple[Recipe, ...] = (
    recipe("CyclicLR", "triangular", MOMENTUM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=5),
    recipe(
        "CyclicLR",
        "triangular, up and down unlike",
        MOMENTUM_CYCLE,
        base_lr=0.01,
        max_lr=0.1,
        step_size_up=3,
        step_size_down=7,
    ),
    recipe("CyclicLR", "triangular2", MOMENTUM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4, mode="triangular2"),
    recipe(
        "CyclicLR", "exp_range", MOMENTUM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4, mode="exp_range", gamma=0.97
    ),
    recipe(
        "CyclicLR",
        "rates and momentum a group",
        MOMENTUM_CYCLE,
        base_lr=[0.001, 0.01],
        max_lr=[0.1, 0.05],
        step_size_up=6,
        base_momentum=[0.8, 0.7],
        max_momentum=[0.9, 0.95],
    ),
    recipe(
        "CyclicLR",
        "a function of the cycle",
        SGD_CYCLE,
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=4,
        scale_fn=function_of_epoch("inverse"),
        cycle_momentum=False,
    ),
    recipe(
        "CyclicLR",
        "a function of the iteration",
        SGD_CYCLE,
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=4,
        scale_fn=function_of_epoch("power", of=0.9),
        scale_mode="iterations",
        cycle_momentum=False,
    ),
    recipe("CyclicLR", "Adam's beta1", ADAM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=4),
    recipe("CyclicLR", "Adam without momentum", ADAM_CYCLE, base_lr=0.001, max_lr=0.1, cycle_momentum=False),
    recipe("CyclicLR", "step_size_up a fraction", MOMENTUM_CYCLE, base_lr=0.001, max_lr=0.1, step_size_up=2.5),
    recipe("CyclicLR", "an unknown mode", MOMENTUM_CYCLE, base_lr=0.001, max_lr=0.1, mode="square"),
    recipe(
        "CyclicLR",
        "resumed",
        {**MOMENTUM_CYCLE, "groups": resumed_groups((0.04, 0.001), (0.04, 0.001))},
        base_lr=0.001,
        max_lr=0.1,
        step_size_up=5,
        last_epoch=3,
    ),
    recipe("OneCycleLR", "cosine", MOMENTUM_CYCLE, max_lr=0.1, total_steps=24),
    recipe("OneCycleLR", "linear", MOMENTUM_CYCLE, max_lr=0.1, total_steps=24, anneal_strategy="linear"),
    recipe("OneCycleLR", "three phases", MOMENTUM_CYCLE, max_lr=0.1, total_steps=24, three_phase=True),
    recipe(
        "OneCycleLR",
        "linear, three phases",
        MOMENTUM_CYCLE,
        max_lr=0.1,
        total_steps=24,
        anneal_strategy="linear",
        three_phase=True,
    ),
    recipe("OneCycleLR", "epochs and steps", MOMENTUM_CYCLE, max_lr=[0.1, 0.02], epochs=4, steps_per_epoch=6),
    recipe("OneCycleLR", "half way up", {**MOMENTUM_CYCLE, "steps": 20}, max_lr=0.1, total_steps=20, pct_start=0.5),
    recipe(
        "OneCycleLR", "a start that rounds", {**MOMENTUM_CYCLE, "steps": 30}, max_lr=0.1, total_steps=30, pct_start=0.7
    ),
    recipe(
        "OneCycleLR", "factors", MOMENTUM_CYCLE, max_lr=0.1, total_steps=24, div_factor=10.0, final_div_factor=100.0
    ),
    recipe(
        "OneCycleLR",
        "momentum a group",
        MOMENTUM_CYCLE,
        max_lr=0.1,
        total_steps=24,
        base_momentum=[0.8, 0.7],
        max_momentum=[0.9, 0.95],
    ),
    recipe("OneCycleLR", "Adam's beta1", ADAM_CYCLE, max_lr=0.1, total_steps=24),
    recipe("OneCycleLR", "without momentum", SGD_CYCLE, max_lr=0.1, total_steps=24, cycle_momentum=False),
    recipe("OneCycleLR", "more steps than it has", MOMENTUM_CYCLE, max_lr=0.1, total_steps=12),
    recipe("OneCycleLR", "no length", MOMENTUM_CYCLE, max_lr=0.1),
    recipe("OneCycleLR", "pct_start a whole number", MOMENTUM_CYCLE, max_lr=0.1, total_steps=24, pct_start=1),
)
