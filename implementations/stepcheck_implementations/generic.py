"""An adapter for any optimizer class, guessed from its names; a table of aliases, no torch.

What cannot be matched is said, never assumed: a hyper-parameter of the rule that the class does not take is an
error, a state that is not found is not observed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from stepcheck_implementations.subject import Adapter, Configuration
from stepcheck_implementations.target import TargetError

HYPER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "eta", "step_size", "alpha"),
    "beta": ("beta", "momentum", "mu"),
    "beta1": ("betas[0]", "beta1", "b1", "beta_1", "beta"),
    "beta2": ("betas[1]", "beta2", "b2", "beta_2"),
    "eps": ("eps", "epsilon"),
    "weight_decay": ("weight_decay", "wd", "decay", "l2"),
    "momentum": ("momentum", "mu", "beta"),
    "dampening": ("dampening",),
}
"""Alphabet name to the constructor arguments it may be called; the first that is there counts."""

STATE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "m": ("exp_avg", "m", "first_moment", "mu", "moment1", "momentum"),
    "v": ("exp_avg_sq", "v", "second_moment", "nu", "moment2", "square_avg", "s"),
    "v_max": ("max_exp_avg_sq", "v_max", "vmax", "max_v", "v_hat_max", "nu_max"),
    "v_hat_max": ("max_exp_avg_sq", "v_hat_max", "v_max", "vmax", "nu_max"),
    "b": ("momentum_buffer", "b", "buf", "buffer", "velocity", "v", "momentum"),
    "M": ("M", "exp_avg", "m", "momentum_buffer", "buf", "velocity"),
}
"""Alphabet name to the keys its state may have; a state that is not listed may have its own name."""

COUNT_ALIASES = ("step", "steps", "t", "step_count", "n_steps", "_step_count", "iteration")
"""What a step counter may be called, in a parameter's state or in its group."""

NEUTRAL: Mapping[str, float] = {"dampening": 0.0, "weight_decay": 0.0}
"""What a hyper-parameter is where a class does not have it at all."""

MODE_FLAGS: Mapping[str, str] = {
    "foreach": "foreach",
    "fused": "fused",
    "differentiable": "differentiable",
    "capturable": "capturable",
}


class NoMatch(TargetError):
    """A class whose arguments do not cover the rule's hyper-parameters."""


def adapt(
    target: str,
    rule: str | None,
    *,
    hyper: Sequence[str],
    states: Sequence[str],
    arguments: Sequence[str],
    keys: Collection[str],
    defaults: Mapping[str, object],
    takes: str = "groups",
    fixed: Mapping[str, float] | None = None,
) -> Adapter:
    """Return the adapter of ``target`` for a rule with those ``hyper``-parameters and ``states``.

    ``arguments`` are the constructor's names without the parameters', ``defaults`` what they default to;
    ``keys`` are names that were seen in its state after a step. ``fixed`` gives values that the class holds
    without taking them. Raises NoMatch listing what the class takes and what the rule needs.
    """
    given = dict(fixed or {})
    slots = _slots(arguments, defaults)
    matched: dict[str, str] = {}
    holds: dict[str, float] = {}
    missing = []
    for name in hyper:
        slot = _first(HYPER_ALIASES.get(name, (name,)), slots, taken=matched.values())
        if slot is not None:
            matched[name] = slot
        elif name in given:
            holds[name] = float(given[name])
        elif name in NEUTRAL:
            holds[name] = NEUTRAL[name]
        else:
            missing.append(name)
    if missing:
        raise NoMatch(
            f"{target}: takes {', '.join(arguments) or 'no hyper-parameters'}, but {rule} needs "
            f"{', '.join(f'{name} ({_called(name)})' for name in missing)}"
        )
    for name in NEUTRAL:
        slot = _first(HYPER_ALIASES[name], slots, taken=matched.values()) if name not in hyper else None
        if slot is not None:
            matched[name] = slot
            holds[name] = NEUTRAL[name]
    held: dict[str, str] = {}
    for name in states:
        key = _first(STATE_ALIASES.get(name, (name,)), keys, taken=held.values())
        if key is not None:
            held[name] = key
    modes: dict[str, dict[str, object]] = {"single": {}}
    flags = {mode: flag for mode, flag in MODE_FLAGS.items() if flag in arguments}
    paths = {flag for flag in ("foreach", "fused") if flag in arguments}
    modes["single"] = dict.fromkeys(sorted(paths), False)
    for mode, flag in flags.items():
        modes[mode] = {**modes["single"], flag: True}
    return Adapter(
        target=target,
        rule=rule,
        hyper=matched,
        states=held,
        modes=modes,
        configurations=(Configuration("default", holds=holds),),
        count=next((key for key in COUNT_ALIASES if key in keys), None),
        takes=takes,
    )


def _called(name: str) -> str:
    return "as " + ", ".join(alias for alias in HYPER_ALIASES.get(name, (name,)))


def _slots(arguments: Sequence[str], defaults: Mapping[str, object]) -> list[str]:
    slots: list[str] = []
    for name in arguments:
        default = defaults.get(name)
        if isinstance(default, (list, tuple)):
            slots += [f"{name}[{place}]" for place in range(len(default))]
        elif name == "betas":
            slots += ["betas[0]", "betas[1]"]
        else:
            slots.append(name)
    return slots


def _first(aliases: Sequence[str], there: Collection[str], *, taken: Collection[str]) -> str | None:
    return next((alias for alias in aliases if alias in there and alias not in taken), None)
