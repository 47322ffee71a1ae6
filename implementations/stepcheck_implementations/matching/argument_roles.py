"""The role of each argument of an update function: parameter, gradient, state, counter, hyper-parameter, container."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_implementations.matching import hyper_matching
from stepcheck_implementations.matching.aliases import (
    COUNT_ALIASES,
    GRADIENT_ARGUMENTS,
    HYPER_DICTIONARIES,
    SINGLE_TENSORS,
    STATE_ALIASES,
    STATE_CONTAINERS,
    TENSOR_LISTS,
)
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.hyper_matching import Matched
from stepcheck_implementations.matching.signature import Signature


def is_update(signature: Signature) -> bool:
    """Whether the arguments' names say that the function updates parameters, and does not build an optimizer."""
    update_names = {
        *GRADIENT_ARGUMENTS,
        *STATE_CONTAINERS,
        *HYPER_DICTIONARIES,
        *COUNT_ALIASES,
        "m",
        "v",
        "exp_avg",
        "velocity",
    }
    return any(name in update_names for name in (signature.first, *signature.names))


def roles_of(signature: Signature, claim: Claim) -> tuple[dict[str, str], Matched]:
    """Return the role of every argument that has one (see ``Call``), and the hyper-parameters among them.

    The user's mapping comes first, then names that can mean one thing only, then hyper-parameters, then states.
    """
    roles = {signature.first: "theta"}
    names = list(signature.names)
    if signature.first in GRADIENT_ARGUMENTS:
        theta = next((name for name in names if name in (*TENSOR_LISTS, *SINGLE_TENSORS)), None)
        if theta is not None:
            roles = {signature.first: "gradient", theta: "theta"}
            names.remove(theta)
    mapped = {argument: name for name, argument in claim.maps.items()}
    unassigned = []
    for name in names:
        symbol = mapped.get(name)
        if symbol in claim.initial:
            roles[name] = f"state {symbol}"
        elif symbol in ("g", "t", "count"):
            roles[name] = "gradient" if symbol == "g" else "count"
        elif symbol is None and "gradient" not in roles.values() and name in GRADIENT_ARGUMENTS:
            roles[name] = "gradient"
        elif symbol is None and name in STATE_CONTAINERS and "states" not in roles.values():
            roles[name] = "states"
        elif symbol is None and name in HYPER_DICTIONARIES:
            roles[name] = "dictionary"
        elif symbol is None and name in claim.initial and name not in signature.defaults:
            roles[name] = f"state {name}"
        else:
            unassigned.append(name)
    slots = hyper_matching.slots_of(unassigned, signature.defaults)
    dictionary = "dictionary" in roles.values() or "states" in roles.values()
    maps = {name: slot for name, slot in claim.maps.items() if not (dictionary and slot not in slots)}
    matched = hyper_matching.match(replace(claim, maps=maps), slots)
    hyper_arguments = {slot.partition("[")[0] for slot in matched.slots.values()}
    for name in (name for name in unassigned if name not in hyper_arguments and name not in signature.defaults):
        state = next(
            (
                state
                for state in claim.initial
                if f"state {state}" not in roles.values()
                and any(name in (alias, f"{alias}s") for alias in (state, *STATE_ALIASES.get(state, ())))
            ),
            None,
        )
        if state is not None:
            roles[name] = f"state {state}"
        elif name in COUNT_ALIASES and "count" not in roles.values():
            roles[name] = "count"
    counts = [
        name for name in unassigned if name in COUNT_ALIASES and name not in roles and name not in hyper_arguments
    ]
    if counts and "count" not in roles.values():
        roles[counts[0]] = "count"
    second = next((name for name in signature.names[:1] if name in unassigned and name in signature.required), "")
    if "gradient" not in roles.values() and second and second not in {*roles, *hyper_arguments, *claim.given}:
        roles[second] = "gradient"
    for name in unassigned:
        if name in hyper_arguments:
            roles[name] = _hyper_role(name, signature, matched)
        elif name in claim.given and name not in claim.hyper:
            roles[name] = f"option {name}"
    return {name: roles[name] for name in (signature.first, *signature.names) if name in roles}, matched


def _hyper_role(argument: str, signature: Signature, matched: Matched) -> str:
    """Return the role of an argument that takes one hyper-parameter or a tuple of them."""
    entries = {slot: name for name, slot in matched.slots.items() if slot.partition("[")[0] == argument}
    if argument in entries:
        return f"hyper {entries[argument]}"
    default = signature.defaults.get(argument)
    indices = range(len(default) if isinstance(default, (list, tuple)) else 2)
    values = [entries.get(f"{argument}[{index}]") or _default_entry(default, index) for index in indices]
    return f"tuple {'|'.join(values)}"


def _default_entry(default: object, index: int) -> str:
    return repr(float(default[index])) if isinstance(default, (list, tuple)) else "0.0"
