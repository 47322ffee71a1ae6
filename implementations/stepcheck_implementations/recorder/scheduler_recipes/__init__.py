"""Recipes of schedules to record: each class of ``torch.optim.lr_scheduler`` and ``swa_utils.SWALR``, as data.

A recipe is JSON values: "name"; "target" and "settings" of the scheduler; "steps" to take; "optimizer" (a name of
``torch.optim`` and its arguments); "groups" (the entries of each parameter group, "lr" among them); "jumps", epochs
passed to ``step`` one after another in a run of its own; and, where ``step`` takes a metric, "metrics", one a step
(nan as "nan"). A setting that is {"function": name, ...} is a function of the epoch (see ``FUNCTIONS``), an entry of
"schedulers" a target with settings of its own.
"""

from __future__ import annotations

from stepcheck_implementations.recorder.scheduler_recipes import (
    annealing_recipes,
    composite_recipes,
    cyclic_recipes,
    multiplicative_recipes,
    plateau_recipes,
)
from stepcheck_implementations.recorder.scheduler_recipes.recipe import FUNCTIONS, Recipe

__all__ = ["ALL", "FUNCTIONS", "Recipe"]

ALL: tuple[Recipe, ...] = (
    *multiplicative_recipes.RECIPES,
    *annealing_recipes.RECIPES,
    *cyclic_recipes.RECIPES,
    *plateau_recipes.RECIPES,
    *composite_recipes.RECIPES,
)
"""Every recipe; names are unique."""
