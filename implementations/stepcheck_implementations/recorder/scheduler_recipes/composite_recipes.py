"""Schedulers made of others: SequentialLR and ChainedScheduler."""

from __future__ import annotations

from stepcheck_implementations.recorder.scheduler_recipes.recipe import (
    NO_JUMPS,
    Recipe,
    function_of_epoch,
    nested,
    recipe,
)

RECIPES: tuple[Recipe, ...] = (
    recipe(
        "SequentialLR",
        "warm-up, then exponential",
        NO_JUMPS,
        schedulers=[nested("LinearLR", start_factor=0.1, total_iters=4), nested("ExponentialLR", gamma=0.9)],
        milestones=[5],
    ),
    recipe(
        "SequentialLR",
        "constant, cosine, steps",
        NO_JUMPS,
        schedulers=[
            nested("ConstantLR", factor=0.1, total_iters=2),
            nested("CosineAnnealingLR", T_max=5),
            nested("StepLR", step_size=2, gamma=0.5),
        ],
        milestones=[2, 8],
    ),
    recipe(
        "SequentialLR",
        "functions",
        NO_JUMPS,
        schedulers=[
            nested("LambdaLR", lr_lambda=function_of_epoch("warmup", over=3)),
            nested("PolynomialLR", total_iters=8, power=2.0),
        ],
        milestones=[4],
    ),
    recipe(
        "SequentialLR",
        "a milestone at 0",
        NO_JUMPS,
        schedulers=[nested("ConstantLR", factor=0.5, total_iters=2), nested("ExponentialLR", gamma=0.8)],
        milestones=[0],
    ),
    recipe(
        "SequentialLR",
        "one scheduler",
        NO_JUMPS,
        schedulers=[nested("MultiStepLR", milestones=[2, 5], gamma=0.3)],
        milestones=[],
    ),
    recipe(
        "SequentialLR",
        "warm restarts after a warm-up",
        {**NO_JUMPS, "steps": 20},
        schedulers=[
            nested("LinearLR", start_factor=0.2, total_iters=3),
            nested("CosineAnnealingWarmRestarts", T_0=4, T_mult=2),
        ],
        milestones=[3],
    ),
    recipe(
        "SequentialLR",
        "a takeover by what multiplies",
        NO_JUMPS,
        schedulers=[
            nested("ConstantLR", factor=0.5, total_iters=10),
            nested("MultiplicativeLR", lr_lambda=function_of_epoch("constant", at=0.9)),
        ],
        milestones=[4],
    ),
    recipe(
        "SequentialLR",
        "sequences in a sequence",
        NO_JUMPS,
        schedulers=[
            nested(
                "SequentialLR",
                schedulers=[nested("ConstantLR", factor=0.5, total_iters=2), nested("ExponentialLR", gamma=0.9)],
                milestones=[2],
            ),
            nested("StepLR", step_size=2, gamma=0.5),
        ],
        milestones=[6],
    ),
    recipe(
        "SequentialLR",
        "too few milestones",
        NO_JUMPS,
        schedulers=[nested("ConstantLR"), nested("ExponentialLR", gamma=0.9)],
        milestones=[],
    ),
    recipe(
        "SequentialLR",
        "a plateau among them",
        NO_JUMPS,
        schedulers=[nested("ConstantLR"), nested("ReduceLROnPlateau")],
        milestones=[3],
    ),
    recipe("SequentialLR", "no schedulers", NO_JUMPS, schedulers=[], milestones=[]),
    recipe(
        "ChainedScheduler",
        "constant and exponential",
        NO_JUMPS,
        schedulers=[nested("ConstantLR", factor=0.1, total_iters=2), nested("ExponentialLR", gamma=0.9)],
    ),
    recipe(
        "ChainedScheduler",
        "warm-up and steps",
        NO_JUMPS,
        schedulers=[
            nested("LinearLR", start_factor=0.3, total_iters=5),
            nested("MultiStepLR", milestones=[4, 8], gamma=0.5),
        ],
    ),
    recipe(
        "ChainedScheduler",
        "polynomial, multiplied",
        NO_JUMPS,
        schedulers=[
            nested("PolynomialLR", total_iters=10, power=0.9),
            nested("MultiplicativeLR", lr_lambda=function_of_epoch("constant", at=0.95)),
        ],
    ),
    recipe(
        "ChainedScheduler",
        "warm-up and cosine",
        NO_JUMPS,
        schedulers=[nested("LinearLR", start_factor=0.3, total_iters=4), nested("CosineAnnealingLR", T_max=6)],
    ),
    recipe("ChainedScheduler", "one scheduler", NO_JUMPS, schedulers=[nested("StepLR", step_size=3)]),
    recipe(
        "ChainedScheduler",
        "a sequence in a chain",
        NO_JUMPS,
        schedulers=[
            nested(
                "SequentialLR",
                schedulers=[nested("ConstantLR", factor=0.5, total_iters=2), nested("ExponentialLR", gamma=0.9)],
                milestones=[3],
            ),
            nested("StepLR", step_size=4, gamma=0.5),
        ],
    ),
    recipe("ChainedScheduler", "no schedulers", NO_JUMPS, schedulers=[]),
)
