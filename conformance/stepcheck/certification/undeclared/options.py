"""Options: what a boolean argument makes of a rule, and the rules that have a hyper-parameter which another lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stepcheck.certification.references.brought_rules import options_of, with_option
from stepcheck_implementations.matching.aliases import OPTION_ALIASES
from stepcheck_reference.rule_names import parts_of

_Variants = tuple[tuple[str, tuple[str, ...]], ...]

VARIANTS: Mapping[str, _Variants] = {
    "amsgrad": (
        ("adam", ("amsgrad", "amsgrad_corrected_max", "amsgrad_paper")),
        ("adam_eps_hat", ("amsgrad_eps_hat",)),
        ("adamw", ("amsgrad+decoupled_decay", "amsgrad_corrected_max+decoupled_decay")),
        ("adam_l2", ("amsgrad+coupled_decay", "amsgrad_corrected_max+coupled_decay")),
    ),
    "nesterov": (("momentum", ("nesterov",)), ("momentum_ema", ("nesterov_ema",))),
    "centered": (
        ("rmsprop", ("rmsprop_centered",)),
        ("rmsprop_momentum", ("rmsprop_centered_momentum",)),
        ("rmsprop_eps_inside", ("rmsprop_centered_eps_inside",)),
    ),
}
"""For each option the rules without it, and what it makes of them: several where publications differ."""

REWRITES: Mapping[str, tuple[str, bool]] = {
    "maximize": ("maximize", True),
    "bias_correction": ("no_bias_correction", False),
    "no_bias_correction": ("no_bias_correction", True),
    "eps_inside": ("eps_inside", True),
    "lr_inside": ("lr_inside", True),
}
"""For each option the rewrite that it is, and the value that applies it."""

DECAYS = ("coupled_decay", "decoupled_decay", "decoupled_decay_paper")
_WITH_DECAY = {"adamw": ("adam", "decoupled_decay"), "adam_l2": ("adam", "coupled_decay")}

ADDED: Mapping[str, tuple[str, ...]] = {
    "weight_decay": DECAYS,
    "lr_decay": ("lr_decay",),
    "initial_accumulator": ("initial_accumulator",),
    "eps_root": ("eps_root",),
}
"""The rewrites that add a hyper-parameter, the most usual first."""

WITH_MOMENTUM: Mapping[str, tuple[str, ...]] = {
    "sgd": ("momentum", "momentum_ema", "momentum_lr_inside"),
    "rmsprop": ("rmsprop_momentum",),
    "rmsprop_centered": ("rmsprop_centered_momentum",),
}
"""The rules that add a momentum to another."""

LAST = "maximize"
"""The rewrite that comes last: the gradient is negated before anything else is done with it."""


def option_of(argument: str) -> str | None:
    """Return the option that a boolean ``argument`` is by its name, None where it is none that is known."""
    return next((option for option, names in OPTION_ALIASES.items() if argument in names), None)


def is_applied(option: str, rule: str) -> bool | None:
    """Return the value of ``option`` in ``rule``, None where it makes no difference to it."""
    if option in (brought := options_of(rule)):
        return brought[option]
    base, rewrites = parts_of(rule)
    if option == "decoupled":
        own = _WITH_DECAY.get(base, ("", ""))[1]
        decay = next((name for name in (own, *rewrites) if name in DECAYS), None)
        return None if decay is None else decay != "coupled_decay"
    if option in REWRITES:
        rewrite, applied = REWRITES[option]
        if rewrite in rewrites:
            return applied
        return (not applied) if _exist((_joined(rule, rewrite),)) else None
    for without, with_it in VARIANTS.get(option, ()):
        if base == without:
            return False
        if any(base == name.partition("+")[0] for name in with_it):
            return True
    return None


def switched(option: str, rule: str) -> tuple[str, ...]:
    """Return what ``rule`` becomes where the value of ``option`` is the other one, the most usual reading first."""
    if option in (brought := options_of(rule)):
        other = with_option(rule, option, not brought[option])
        return () if other is None else (other,)
    base, rewrites = parts_of(rule)
    if option == "decoupled":
        wanted = "coupled_decay" if is_applied(option, rule) else "decoupled_decay"
        plain = _WITH_DECAY.get(base, (base, ""))[0]
        return _exist((_joined(plain, wanted, *(name for name in rewrites if name not in DECAYS)),))
    if option in REWRITES:
        rewrite, _ = REWRITES[option]
        rest = tuple(name for name in rewrites if name != rewrite)
        return _exist((_joined(base, *rest) if rewrite in rewrites else _joined(rule, rewrite),))
    for without, with_it in VARIANTS.get(option, ()):
        if base == without:
            return _exist(_joined(name, *rewrites) for name in with_it)
        if any(base == name.partition("+")[0] for name in with_it):
            return _exist((_joined(without, *rewrites),))
    return ()


def extended(hyper: str, rule: str, decoupled: bool | None = None) -> tuple[str, ...]:
    """Return the rules that ``rule`` may become where ``hyper``, which it lacks, is not 0; the most usual first.

    ``decoupled`` is the value of an option that says which weight decay it is, None where there is no such option.
    """
    base, rewrites = parts_of(rule)
    if hyper == "momentum":
        return _exist(_joined(name, *rewrites) for name in WITH_MOMENTUM.get(base, ()))
    names = ADDED.get(hyper, ())
    if hyper == "weight_decay" and decoupled is not None:
        names = tuple(name for name in names if (name != "coupled_decay") is decoupled)
    return _exist(_joined(rule, name) for name in names)


def _joined(rule: str, *rewrites: str) -> str:
    base, own = parts_of(rule)
    names = dict.fromkeys((*own, *rewrites))
    return "+".join((base, *(name for name in names if name != LAST), *(name for name in names if name == LAST)))


def _exist(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``names`` that are names of rules."""
    from stepcheck_reference.rewrites import RewriteError
    from stepcheck_reference.rules import UnknownRule, find

    found = []
    for name in names:
        try:
            find(name)
        except (RewriteError, UnknownRule):
            continue
        found.append(name)
    return tuple(found)
