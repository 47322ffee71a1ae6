"""Argument names: which arguments of a constructor are numbers to read, their values meanwhile, and what they mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from stepcheck_implementations.driver.observing.state_path import last_name
from stepcheck_implementations.matching.aliases import HYPER_ALIASES, STATE_ALIASES
from stepcheck_implementations.matching.call_search import OTHER
from stepcheck_implementations.matching.claim import PROBE_HYPER
from stepcheck_implementations.matching.hyper_matching import slots_of
from stepcheck_implementations.matching.signature import Signature

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "lrate", "stepsize"),
    "beta1": ("betas[0]", "beta1", "b1", "beta_1"),
    "beta2": ("betas[1]", "beta2", "b2", "beta_2"),
    "beta3": ("betas[2]", "beta3", "b3", "beta_3"),
    "nu": ("nu",),
    "nu1": ("nus[0]", "nu1", "nu_1"),
    "nu2": ("nus[1]", "nu2", "nu_2"),
    "eps": ("eps", "epsilon"),
    "weight_decay": ("weight_decay", "wd", "l2"),
    "momentum": ("momentum", "mom"),
    "dampening": ("dampening",),
    "momentum_decay": ("momentum_decay", "schedule_decay"),
    "rho": ("rho",),
    "eps_root": ("eps_root",),
    "lr_decay": ("lr_decay",),
    "initial_accumulator": ("initial_accumulator_value", "initial_accumulator"),
    "eta_minus": ("etas[0]", "eta_minus"),
    "eta_plus": ("etas[1]", "eta_plus"),
    "step_min": ("step_sizes[0]", "step_min"),
    "step_max": ("step_sizes[1]", "step_max"),
    "lambd": ("lambd",),
    "t0": ("t0",),
}
"""Names that tell what an argument means without a rule that it is read by; others keep their own."""


def names_of(
    signature: Signature, *, taken: Collection[str], only_defaults: bool = False, states: Collection[str] = ()
) -> dict[str, float]:
    """Return the slots that are numbers, with the values to read them at; ``only_defaults`` takes their defaults.

    Required arguments count where their name tells what they mean, or is one that hyper-parameters have and not one of
    ``states``. Where a constructor takes no parameters, all that it requires are numbers.
    """
    values: dict[str, float] = {}
    for slot in slots_of(signature.names, signature.defaults):
        stem, _, rest = slot.partition("[")
        if stem in taken:
            continue
        default = signature.defaults.get(stem, None)
        if rest and isinstance(default, (list, tuple)):
            default = default[int(rest.rstrip("]"))]
        number = default if isinstance(default, (int, float)) and not isinstance(default, bool) else None
        meaning = _meaning(slot)
        if meaning is not None and (number is not None or stem in signature.required):
            values[slot] = number if only_defaults and number is not None else PROBE_HYPER[meaning]
        elif number is None and stem in signature.required and stem not in states and stem == slot:
            likely = next((name for name, names in HYPER_ALIASES.items() if slot in names), None)
            if likely is not None or not signature.first:
                values[slot] = PROBE_HYPER.get(likely or "", OTHER)
        elif number is not None:
            values[slot] = OTHER if number == 0 and isinstance(number, float) and not only_defaults else number
    return values


def symbols_of(slots: Iterable[str]) -> dict[str, str]:
    """Return the name of the symbol of each slot: the alphabet's where its name tells, else its own."""
    symbols: dict[str, str] = {}
    for slot in slots:
        meaning = _meaning(slot)
        name = meaning if meaning is not None and meaning not in symbols.values() else slot
        symbols[slot] = name.replace("[", "_").rstrip("]") if "[" in name else name
    return symbols


def letters_for(path: str) -> list[str]:
    """Return the letters that a state at ``path`` may play by its name, the likeliest first."""
    name = last_name(path)
    ranked = [
        (aliases.index(alias), letter)
        for letter, aliases in STATE_ALIASES.items()
        for alias in (name, name.removesuffix("s"), name.removeprefix("_"))
        if alias in aliases
    ]
    return list(dict.fromkeys(letter for _, letter in sorted(ranked)))


def _meaning(slot: str) -> str | None:
    return next((meaning for meaning, names in MEANINGS.items() if slot in names), None)
