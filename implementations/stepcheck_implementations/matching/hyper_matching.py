"""Arguments of an optimizer without an adapter, matched to the hyper-parameters of a rule by their names; no torch.

A hyper-parameter of the rule that the subject does not take is an error, unless it has a value at which it does
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.aliases import HYPER_ALIASES, NEUTRAL_ARGUMENTS, NEUTRAL_HYPER, aliases_of
from stepcheck_implementations.matching.claim import Claim
from stepcheck_reference.suggest import did_you_mean

_TUPLE_ENTRY = re.compile(r"^\w+\[\d+\]$")


class NoMatch(TargetError):
    """A subject that does not cover the rule.

    ``missing`` are the hyper-parameters it does not take, ``left`` counts arguments the rule has no use for.
    """

    def __init__(self, message: str, missing: Sequence[str] = (), left: int = 0) -> None:
        super().__init__(message)
        self.missing, self.left = tuple(missing), left


@dataclass(frozen=True, slots=True)
class Matched:
    """Hyper-parameters by alphabet name.

    ``slots`` is the argument of each, ``fixed_hyper`` the value of those that have none or are not varied. ``missing``
    are the rule's that have neither, ``left`` the arguments that are no hyper-parameter of the rule.
    """

    slots: Mapping[str, str]
    fixed_hyper: Mapping[str, float]
    missing: tuple[str, ...]
    left: tuple[str, ...]


def slots_of(arguments: Iterable[str], defaults: Mapping[str, object]) -> list[str]:
    """Return a name for every number that the arguments take: "lr", and "betas[0]" for an entry of a tuple."""
    slots: list[str] = []
    for name in arguments:
        default = defaults.get(name)
        if isinstance(default, (list, tuple)):
            slots += [f"{name}[{index}]" for index in range(len(default))]
        elif name == "betas":
            slots += ["betas[0]", "betas[1]"]
        else:
            slots.append(name)
    return slots


def match(claim: Claim, slots: Sequence[str], *, open_ended: bool = False) -> Matched:
    """Return which of ``slots`` each hyper-parameter of ``claim`` is.

    The user's mapping comes first, then the first alias of every hyper-parameter, then the second, and so on: "alpha"
    is a learning rate only where no other hyper-parameter has it as an earlier alias. ``open_ended`` subjects take any
    name. Raises NoMatch for a mapping to an argument that does not exist.
    """
    matched: dict[str, str] = {}
    for name, slot in claim.maps.items():
        if name in claim.hyper or name in NEUTRAL_ARGUMENTS:
            _check_slot(name, slot, slots, open_ended=open_ended)
            matched[name] = slot
    aliases = {name: aliases_of(name, claim.hyper) for name in claim.hyper}
    for rank in range(max((len(entry) for entry in aliases.values()), default=0)):
        for name, names in aliases.items():
            if name not in matched and rank < len(names):
                alias = names[rank]
                if alias in slots and alias not in matched.values():
                    matched[name] = alias
    fixed_hyper = {
        name: float(claim.fixed[name]) for name in claim.hyper if name not in matched and name in claim.fixed
    }
    for name in claim.hyper:
        if name not in matched and name not in fixed_hyper and name in NEUTRAL_HYPER:
            fixed_hyper[name] = NEUTRAL_HYPER[name]
    for name, value in NEUTRAL_ARGUMENTS.items():
        if name not in claim.hyper and name not in claim.fixed:
            free = [alias for alias in HYPER_ALIASES[name] if alias in slots and alias not in matched.values()]
            if name in matched or free:
                matched.setdefault(name, *free[:1])
                fixed_hyper[name] = value
    return Matched(
        slots={name: matched[name] for name in dict.fromkeys((*claim.hyper, *matched)) if name in matched},
        fixed_hyper=fixed_hyper,
        missing=tuple(name for name in claim.hyper if name not in matched and name not in fixed_hyper),
        left=tuple(slot for slot in slots if slot not in matched.values()),
    )


def _check_slot(name: str, slot: str, slots: Sequence[str], *, open_ended: bool) -> None:
    stems = {entry.partition("[")[0] for entry in slots}
    if slot in slots or (_TUPLE_ENTRY.match(slot) and slot.partition("[")[0] in stems) or open_ended:
        return
    raise NoMatch(
        f"map={name}={slot}, but the arguments are {', '.join(slots) or 'none'}{did_you_mean(slot, list(slots))}"
    )


def hyper_not_taken(target: str, signature: str, claim: Claim, missing: Sequence[str], left: int = 0) -> NoMatch:
    """Return the error of a subject that does not take all that the rule needs."""
    needed = "; ".join(f"{name}, often called {', '.join(aliases_of(name, claim.hyper))}" for name in missing)
    first = missing[0]
    return NoMatch(
        f"{target}: takes {signature}, but {claim.rule} needs {needed}. Say which argument it is, as in "
        f"--map {first}=ARGUMENT, or which value it has inside, as in --set {first}=NUMBER",
        missing,
        left,
    )


def configuration_name(options: Mapping[str, bool], defaults: Mapping[str, object]) -> str:
    """Return the name of a configuration with ``options``: those that are not at their default, or "default"."""
    departing = [(name, value) for name, value in options.items() if value is not defaults.get(name)]
    return ",".join(name if value else f"{name}=False" for name, value in departing) or "default"


def defaults_of(slots: Mapping[str, str], defaults: Mapping[str, object]) -> dict[str, float]:
    """Return the default of each hyper-parameter of ``slots`` that has a number for one."""
    numbers: dict[str, float] = {}
    for name, slot in slots.items():
        key, bracket, index = slot.partition("[")
        value = defaults.get(key)
        if bracket and isinstance(value, (list, tuple)) and int(index.rstrip("]")) < len(value):
            value = value[int(index.rstrip("]"))]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            numbers[name] = float(value)
    return numbers
