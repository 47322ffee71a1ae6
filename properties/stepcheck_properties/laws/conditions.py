"""Conditions that several laws share, each with the words for it."""

from __future__ import annotations

from stepcheck_properties.law import Facts
from stepcheck_reference.scripts.objective import needs_objective

EVERY_SUBJECT = "every subject"
HAS_GROUPS = "the subject is built from parameter groups, and the mode is not compiled"
STEPS_ON_GRADIENTS = (
    "the subject is built from parameter groups, its rule needs one gradient per step, and the mode is not compiled"
)
COMPUTES_IN_TORCH = "the subject computes with torch, and the mode is not compiled"


def always(facts: Facts) -> bool:
    """Whether the facts are of a subject at all: see ``EVERY_SUBJECT``."""
    return True


def has_groups(facts: Facts) -> bool:
    """See ``HAS_GROUPS``."""
    return facts.interface == "torch" and facts.mode != "compiled"


def steps_on_gradients(facts: Facts) -> bool:
    """See ``STEPS_ON_GRADIENTS``."""
    return has_groups(facts) and not needs_objective(facts.rule)


def computes_in_torch(facts: Facts) -> bool:
    """See ``COMPUTES_IN_TORCH``."""
    return facts.interface != "wrapped" and facts.mode != "compiled"


def is_elementwise(facts: Facts) -> bool:
    """Whether the rule is elementwise."""
    return facts.rule.kind == "elementwise"


def accepts_lr(facts: Facts) -> bool:
    """Whether the learning rate is an argument of the subject that varies in the cell."""
    named = any(symbol.name == "lr" for symbol in facts.rule.hyper)
    return named and "lr" in facts.accepted_hyper and "lr" not in facts.fixed_hyper
