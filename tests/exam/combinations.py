"""Rules with rewrites: each with each that applies to it, and longer chains that something claims or that interact."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_implementations.adapters import libraries
from stepcheck_reference import rewrites
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find

INTERACTING = (
    "adagrad+coupled_decay+lr_decay+initial_accumulator",
    "adagrad+decoupled_decay+lr_decay",
    "adagrad+lr_decay+decoupled_decay",
    "adam+coupled_decay+eps_inside",
    "adam+decoupled_decay+eps_root",
    "adam+decoupled_decay_paper+maximize",
    "adam+no_second_correction+decay_after_step",
    "adam+eps_root+no_bias_correction",
    "adam+eps_root+coupled_decay",
    "adam+lr_decay+no_bias_correction",
    "adam+maximize+coupled_decay",
    "adam+no_first_correction+eps_inside+decoupled_decay",
    "adamw+eps_inside+maximize",
    "adamw+lr_decay",
    "adamw+no_bias_correction",
    "amsgrad+maximize+coupled_decay",
    "amsgrad+no_bias_correction+eps_inside",
    "lion+maximize+lr_decay",
    "momentum+maximize+coupled_decay",
    "nadam+eps_root+decoupled_decay+maximize",
    "nadam+lr_decay+coupled_decay",
    "nesterov+maximize+coupled_decay",
    "radam+maximize+coupled_decay",
    "rmsprop_centered_momentum+coupled_decay+eps_inside+lr_inside",
    "rmsprop_momentum+lr_inside+eps_inside+initial_accumulator",
    "rprop+coupled_decay+maximize",
    "rprop+decoupled_decay+maximize",
    "sgd+maximize+coupled_decay",
    "sgd+decoupled_decay+maximize",
)  # fmt: skip
"""Chains whose rewrites touch the same part of an equation, in either order where that says something."""


def claimed() -> Iterator[str]:
    """Yield every rule with its rewrites that an adapter claims."""
    for library in libraries.ALL:
        for adapter in library.adapters:
            for configuration in adapter.configurations:
                yield "+".join((configuration.rule or adapter.rule or "", *configuration.rewrites))


CHAINS = tuple(dict.fromkeys((*(rule.name for rule in ALL), *INTERACTING, *sorted(claimed()))))
"""Every rule, and the chains that something claims or that interact."""


def _combinations() -> dict[str, Rule]:
    alone = [f"{rule.name}+{rewrite.name}" for rule in ALL for rewrite in rewrites.ALL if rewrite.applies(rule)]
    return {name: find(name) for name in (*(rule.name for rule in ALL), *alone, *CHAINS)}


COMBINATIONS = _combinations()
"""All of them by name."""

VARIANTS = {
    rule.name: tuple(combination for name, combination in COMBINATIONS.items() if name.partition("+")[0] == rule.name)
    for rule in ALL
}
"""By rule, it and what its rewrites make of it: a test a rule is enough."""
