"""Calling: how a stranger's update function wants to be called, found by its names and by trying."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from stepcheck_implementations.matching import claim as claims
from stepcheck_implementations.matching import generic, trial, update_function
from stepcheck_implementations.matching.claim import Claim, Course
from stepcheck_implementations.matching.generic import COUNT_ALIASES, STATE_ALIASES, Matched, NoMatch
from stepcheck_implementations.matching.signature import LISTS, TENSORS, Signature
from stepcheck_implementations.matching.trial import Trial
from stepcheck_implementations.matching.update_function import FORMS, Call, made, written

GRADIENTS = ("g", "grad", "grads", "gradient", "gradients", "dw", "dp", "dx", "d_p", "dtheta", "d_theta", "dparams")
"""What an argument is called that takes the gradient, or a list of them."""
CONTAINERS = ("state", "states", "optimizer_state", "opt_state")
"""What an argument is called that takes all states at once."""
DICTIONARIES = ("hyperparams", "hyperparameters", "hyper_params", "hyper", "hp", "hps", "hparams", "config", "cfg")
"""What an argument is called that takes a dictionary of hyper-parameters, and often of more."""
_MOST_KEYS = 24
"""Entries that a dictionary is tried with one more of, before its function is given up."""


@dataclass(frozen=True, slots=True)
class Called:
    """A function with a way to call it.

    ``text`` is its class, ``trial`` what came of it, ``course`` what the rule makes of the same; ``fixed_hyper`` gives
    the values of what the rule or the function lacks, ``lost`` are the hyper-parameters that nothing takes.
    """

    call: Call
    text: str
    trial: Trial
    fixed_hyper: Mapping[str, float]
    course: Course
    lost: tuple[str, ...]


def is_update(signature: Signature) -> bool:
    """Whether the arguments' names say that this is no function that builds an optimizer."""
    telling = {*GRADIENTS, *CONTAINERS, *DICTIONARIES, *COUNT_ALIASES, "m", "v", "exp_avg", "velocity"}
    return any(name in telling for name in (signature.first, *signature.names))


class _Asked(dict[str, Any]):
    """A dictionary that remembers which entries were asked for and not there."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def _note(self, key: str) -> None:
        if not super().__contains__(key) and key not in self.asked:
            self.asked.append(key)


def found(function: Callable[..., Any], target: str, signature: Signature, claim: Claim, steps: int) -> Called:
    """Return the way to call ``function`` that comes nearest to the rule; raises NoMatch where none works.

    With ``steps`` 0 it is not tried, and called as its names say.
    """
    tries = list(_tries(function, target, signature, claim, steps))
    usable = [entry for entry in tries if (entry.trial.theta or not steps) and not entry.lost]
    if not usable:
        ran = next((entry for entry in tries if entry.lost and entry.trial.theta), None)
        if ran is not None:
            raise generic.hyper_not_taken(target, signature.text, claim, ran.lost)
        first = tries[0]
        line = next(line.strip() for line in first.text.splitlines() if f" {first.call.function}(" in line)
        shown = line.removeprefix("made = ")
        raise NoMatch(f"{target}: no way was found to call it; {shown} gave {first.trial.reason}")
    return max(
        usable,
        key=lambda entry: (entry.trial.agrees(entry.course.theta), entry.trial.moved, not entry.trial.reason),
    )


def _tries(
    function: Callable[..., Any], target: str, signature: Signature, claim: Claim, steps: int
) -> Iterator[Called]:
    """Yield every way to call ``function`` that its names allow, with what came of it."""
    roles, matched = _roles(target, signature, claim)
    takes = ("list", "tensor") if signature.first in LISTS else ("tensor", "list")
    forms: tuple[str, ...] = FORMS if "states" in roles.values() else FORMS[:1]
    if len(claim.initial) != 1:
        forms = tuple(form for form in forms if form != "single")
    if "states" in roles.values() and not claim.initial:
        raise NoMatch(f"{target}: takes {signature.text}, but {claim.rule} has no state to give it")
    for over in takes:
        for form in forms:
            call = Call(
                function=update_function.function_name(target),
                takes=over,
                roles=roles,
                initial=dict(claim.initial),
                scalars=tuple(claim.scalars),
                positional=signature.positional,
                form=form,
            )
            yield _tried(function, target, signature, claim, call, matched, steps)


def _roles(target: str, signature: Signature, claim: Claim) -> tuple[dict[str, str], Matched]:
    """Return the role of every argument that has one, and the hyper-parameters among them."""
    roles = {signature.first: "theta"}
    names = list(signature.names)
    if signature.first in GRADIENTS:
        theta = next((name for name in names if name in (*LISTS, *TENSORS)), None)
        if theta is not None:
            roles = {signature.first: "gradient", theta: "theta"}
            names.remove(theta)
    mapped = {argument: name for name, argument in claim.maps.items()}
    open_ = []
    for name in names:
        told = mapped.get(name)
        if told in claim.initial:
            roles[name] = f"state {told}"
        elif told in ("g", "t", "count"):
            roles[name] = "gradient" if told == "g" else "count"
        elif told is None and "gradient" not in roles.values() and name in GRADIENTS:
            roles[name] = "gradient"
        elif told is None and name in CONTAINERS and "states" not in roles.values():
            roles[name] = "states"
        elif told is None and name in DICTIONARIES:
            roles[name] = "dictionary"
        elif told is None and name in claim.initial and name not in signature.defaults:
            roles[name] = f"state {name}"
        else:
            open_.append(name)
    slots = generic.slots_of(open_, signature.defaults)
    dictionary = "dictionary" in roles.values() or "states" in roles.values()
    maps = {name: slot for name, slot in claim.maps.items() if not (dictionary and "[" in slot and slot not in slots)}
    matched = generic.match(replace(claim, maps=maps), slots)
    taken = {slot.partition("[")[0] for slot in matched.slots.values()}
    for name in (name for name in open_ if name not in taken and name not in signature.defaults):
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
    counts = [name for name in open_ if name in COUNT_ALIASES and name not in roles and name not in taken]
    if counts and "count" not in roles.values():
        roles[counts[0]] = "count"
    for name in open_:
        if name in taken:
            roles[name] = _hyper_role(name, signature, matched)
        elif name in claim.fixed and name not in claim.hyper:
            roles[name] = f"option {name}"
    return {name: roles[name] for name in (signature.first, *signature.names) if name in roles}, matched


def _hyper_role(argument: str, signature: Signature, matched: Matched) -> str:
    """Return the role of an argument that takes one hyper-parameter or a tuple of them."""
    entries = {slot: name for name, slot in matched.slots.items() if slot.partition("[")[0] == argument}
    if argument in entries:
        return f"hyper {entries[argument]}"
    default = signature.defaults.get(argument)
    places = range(len(default) if isinstance(default, (list, tuple)) else 2)
    values = [entries.get(f"{argument}[{place}]") or _value(default, place) for place in places]
    return f"tuple {'|'.join(values)}"


def _value(default: object, place: int) -> str:
    return repr(float(default[place])) if isinstance(default, (list, tuple)) else "0.0"


def _tried(
    function: Callable[..., Any],
    target: str,
    signature: Signature,
    claim: Claim,
    call: Call,
    matched: Matched,
    steps: int,
) -> Called:
    """Return ``call`` with the entries its dictionaries need and what its function gives back."""
    missing = [name for name in signature.required if name not in call.roles]
    if missing:
        raise NoMatch(
            f"{target}: takes {signature.text}, but nothing says what {', '.join(missing)} should be given. Say which "
            f"hyper-parameter or state of {claim.rule} it is, as in --map lr={missing[0]}, or its value, as in "
            f"--set {missing[0]}=1"
        )
    given = call.states if call.container is None else tuple(claim.initial)
    started = [str(claim.initial[name]) for name in given if isinstance(claim.initial[name], str)]
    slots = {name: name for name in (*matched.slots, *started)}
    holders = tuple(name for name in (*call.dictionaries, call.container) if name is not None)
    names = {call.function: function}
    result = Trial(call.takes)
    for _ in range(_MOST_KEYS if steps else 0):
        asked: list[_Asked] = []

        def noting(into: list[_Asked] = asked) -> _Asked:
            into.append(_Asked())
            return into[-1]

        bare = made(written(call, after=["self.made = made"], dictionary="noting()"), {**names, "noting": noting})
        result = trial.tried(bare, call.takes, _values(call, claim), steps=1)
        more = _missing_key(result) or _optional_key(asked, result, call, claim, slots)
        role = more and holders and _role_of_key(more, call, claim, slots)
        if not more or not role:
            break
        holder = _holder(role, call)
        call = replace(call, keys={**call.keys, holder: {**call.keys.get(holder, {}), more: role}})
        if role.startswith("hyper "):
            slots[role.removeprefix("hyper ")] = more
    lost = tuple(name for name in matched.missing if name not in slots)
    if steps and result.theta and not lost:
        call = replace(call, returns=_returns(call, result))
        result = trial.tried(made(written(call), names), call.takes, _values(call, claim), steps=steps)
    held = {
        name: generic.NEUTRAL_ARGUMENTS[name]
        for name in call.takes_by_name
        if name in generic.NEUTRAL_ARGUMENTS and name not in claim.hyper
    }
    fixed_hyper = {**matched.fixed_hyper, **held}
    fixed = {name: float(value) for name, value in claim.fixed.items() if name in claim.hyper}
    course = claims.course(claim, {**claim.hyper, **fixed_hyper, **fixed})
    return Called(call, written(call), result, fixed_hyper, course, lost)


def _values(call: Call, claim: Claim) -> dict[str, Any]:
    given = {**generic.NEUTRAL_ARGUMENTS, **claim.hyper, **claim.fixed}
    return {name: given[name] for name in call.takes_by_name}


def _missing_key(result: Trial) -> str | None:
    error = result.error
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    return key if isinstance(key, str) else None


def _optional_key(asked: list[_Asked], result: Trial, call: Call, claim: Claim, slots: Mapping[str, str]) -> str | None:
    """Return an entry that the function would take, and that is a hyper-parameter it has not been given yet."""
    if result.reason:
        return None
    for key in (key for entry in asked for key in entry.asked):
        role = _role_of_key(key, call, claim, slots)
        if role is not None and role.startswith("hyper "):
            return key
    return None


def _role_of_key(key: str, call: Call, claim: Claim, slots: Mapping[str, str]) -> str | None:
    """Return what the entry ``key`` of a dictionary is to hold: a hyper-parameter, a state or the count."""
    for name, path in claim.maps.items():
        if path.endswith(f"['{key}']"):
            return "count" if name in ("t", "count") else f"state {name}" if name in claim.initial else f"hyper {name}"
    for name in generic.match(replace(claim, maps={}), [key]).slots:
        if name not in slots:
            return f"hyper {name}"
    given = {role for keys in call.keys.values() for role in keys.values()} | set(call.roles.values())
    for state in claim.initial:
        if key in (state, *STATE_ALIASES.get(state, ())) and f"state {state}" not in given:
            return f"state {state}"
    if key in COUNT_ALIASES:
        return "count"
    return f"option {key}" if key in claim.fixed else None


def _holder(role: str, call: Call) -> str:
    """Return the argument whose dictionary has an entry of this role: hyper-parameters and states are often apart."""
    own = call.container if call.form == "names" and role.startswith(("state ", "count")) else None
    return own or next(iter(call.dictionaries), None) or call.container or ""


def _written_into(state: Any) -> bool:
    """Whether states that started at 0 are elsewhere: the function updates them in place."""
    if isinstance(state, torch.Tensor):
        return bool(state.any())
    return isinstance(state, (list, tuple)) and any(_written_into(entry) for entry in state)


def _returns(call: Call, result: Trial) -> tuple[str, ...]:
    """Return the names of what the function gave back at its first step; empty where it works in place."""
    thing = result.things[0]
    answer = thing.made
    wheres = result.wheres
    in_place = result.moved
    kept = [*call.states, *([call.container] if call.container else [])]

    def is_theta(value: Any) -> bool:
        if call.takes == "tensor":
            return isinstance(value, torch.Tensor) and value.numel() == wheres[0].parameter.numel()
        return isinstance(value, (list, tuple)) and len(value) == len(wheres) and all(map(torch.is_tensor, value))

    if is_theta(answer):
        held = [answer] if call.takes == "tensor" else answer
        same = all(torch.equal(value, where.parameter) for value, where in zip(held, wheres, strict=True))
        if not in_place:
            return ("theta",)
        return () if same or len(kept) != 1 or _written_into(getattr(thing, kept[0])) else (kept[0],)
    if isinstance(answer, dict) and len(call.dictionaries) == 1:
        return (call.dictionaries[0],)
    if not isinstance(answer, (list, tuple)):
        return ()
    rest: list[Any] = list(answer)
    names: list[str] = []
    if rest and is_theta(rest[0]) and (not in_place or len(rest) > len(kept)):
        names.append("" if in_place else "theta")
        rest.pop(0)
    for name in kept[: len(rest)]:
        names.append(name)
    for value in rest[len(kept) :] if len(rest) > len(kept) else ():
        free = [name for name in call.dictionaries if name not in names]
        names.append(free[0] if isinstance(value, dict) and free else "")
    return tuple(names) if any(names) else ()
