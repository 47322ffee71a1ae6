"""How an update function is called and what it returns, found by its arguments' names and by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.matching import hyper_matching, trial, update_function
from stepcheck_implementations.matching.aliases import COUNT_ALIASES, NEUTRAL_ARGUMENTS, STATE_ALIASES, TENSOR_LISTS
from stepcheck_implementations.matching.argument_roles import roles_of
from stepcheck_implementations.matching.claim import Claim, RuleTrace, rule_trace
from stepcheck_implementations.matching.driving.array_kinds import array_kinds
from stepcheck_implementations.matching.hyper_matching import Matched, NoMatch
from stepcheck_implementations.matching.signature import Signature
from stepcheck_implementations.matching.trial import Trial
from stepcheck_implementations.matching.update_function import FORMS, Call, compile_class, render_class

OTHER = 0.3
"""The value of an argument whose meaning its name does not tell."""
_MOST_KEYS = 24
"""Trials that each give a dictionary one entry more, before a function is given up."""


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One way to call a function, and its trial.

    ``text`` is the class that calls it so, ``trial`` the result, ``trace`` the rule's; ``fixed_hyper`` gives the values
    of hyper-parameters that the rule or the function lacks, ``missing`` are those that no argument takes.
    """

    call: Call
    text: str
    trial: Trial
    fixed_hyper: Mapping[str, float]
    trace: RuleTrace
    missing: tuple[str, ...]


class _LookupLog(dict[str, Any]):
    """A dictionary that remembers which missing entries were looked up, and with which default."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key, default)
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._note(key, default)
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def _note(self, key: str, default: Any = None) -> None:
        if not super().__contains__(key) and self.missing.get(key) is None:
            self.missing[key] = default


def find_call(function: Callable[..., Any], target: str, signature: Signature, claim: Claim, steps: int) -> CallAttempt:
    """Return the way to call ``function`` that agrees best with the rule; raises NoMatch where none works.

    With ``steps`` 0 it is called as its names say, untried.
    """
    attempts: list[CallAttempt] = []
    for arrays in array_kinds(function):
        attempts += _attempts(function, target, signature, claim, steps, arrays)
        if not steps or any(entry.trial.updates and not entry.trial.reason for entry in attempts):
            break
    usable = [entry for entry in attempts if (entry.trial.theta or not steps) and not entry.missing]
    if not usable:
        ran = next((entry for entry in attempts if entry.missing and entry.trial.theta), None)
        if ran is not None:
            raise hyper_matching.hyper_not_taken(target, signature.text, claim, ran.missing)
        first = attempts[0]
        line = next(line.strip() for line in first.text.splitlines() if f" {first.call.function}(" in line)
        shown = line.removeprefix("answer = ")
        raise NoMatch(f"{target}: no way was found to call it; {shown} gave {first.trial.reason}")
    return max(
        usable,
        key=lambda entry: (entry.trial.agrees(entry.trace.theta), entry.trial.updates, not entry.trial.reason),
    )


def _attempts(
    function: Callable[..., Any], target: str, signature: Signature, claim: Claim, steps: int, arrays: str
) -> Iterator[CallAttempt]:
    """Yield every way to call ``function`` with such ``arrays`` that its arguments' names allow, tried."""
    roles, matched = roles_of(signature, claim)
    inputs = ("list", "tensor") if signature.first in TENSOR_LISTS else ("tensor", "list")
    forms: tuple[str, ...] = FORMS if "states" in roles.values() else FORMS[:1]
    if len(claim.initial) != 1:
        forms = tuple(form for form in forms if form != "single")
    if "states" in roles.values() and not claim.initial:
        raise NoMatch(f"{target}: takes {signature.text}, but {claim.rule} has no state to give it")
    for takes in inputs:
        for form in forms:
            call = Call(
                function=update_function.function_name(target),
                takes=takes,
                roles=roles,
                initial=dict(claim.initial),
                scalars=tuple(claim.scalars),
                positional=signature.positional,
                form=form,
                arrays=arrays,
            )
            yield _attempt(function, target, signature, claim, call, matched, steps)


def _attempt(
    function: Callable[..., Any],
    target: str,
    signature: Signature,
    claim: Claim,
    call: Call,
    matched: Matched,
    steps: int,
) -> CallAttempt:
    """Return ``call`` completed by trying: the entries that its dictionaries need, and what its function returns."""
    missing = [name for name in signature.required if name not in call.roles]
    if missing:
        raise NoMatch(
            f"{target}: takes {signature.text}, but nothing tells what {', '.join(missing)} should be. Say which "
            f"hyper-parameter or state of {claim.rule} it is, as in --map lr={missing[0]}, or its value, as in "
            f"--set {missing[0]}=1"
        )
    states = call.states if call.container is None else tuple(claim.initial)
    started = [str(claim.initial[name]) for name in states if isinstance(claim.initial[name], str)]
    slots = {name: name for name in (*matched.slots, *started)}
    dictionaries = tuple(name for name in (*call.dictionaries, call.container) if name is not None)
    names = {call.function: function}
    result = Trial(call.takes)
    for _ in range(_MOST_KEYS if steps else 0):
        lookups: list[_LookupLog] = []

        def logged(into: list[_LookupLog] = lookups) -> _LookupLog:
            into.append(_LookupLog())
            return into[-1]

        text = render_class(call, after=["self.answer = answer"], dictionary="logged()")
        bare = compile_class(text, {**names, "logged": logged})
        result = trial.run_trial(bare, call.takes, _values(call, claim), steps=1)
        key = _missing_key(result) or _optional_key(lookups, result, call, claim, slots)
        defaults = {key: default for entry in lookups for key, default in entry.missing.items()}
        role = key and dictionaries and _role_of_key(key, call, claim, slots, defaults.get(key))
        if not key or not role:
            break
        argument = _dictionary_for(role, call)
        call = replace(call, keys={**call.keys, argument: {**call.keys.get(argument, {}), key: role}})
        if role.startswith("hyper "):
            slots[role.removeprefix("hyper ")] = key
    missing_hyper = () if claim.keys else tuple(name for name in matched.missing if name not in slots)
    if steps and result.theta and not missing_hyper:
        call = replace(call, returns=_returns(call, result))
        result = trial.run_trial(
            compile_class(render_class(call), names), call.takes, _values(call, claim), steps=steps
        )
    neutral = {
        name: NEUTRAL_ARGUMENTS[name]
        for name in call.takes_by_name
        if name in NEUTRAL_ARGUMENTS and name not in claim.hyper
    }
    fixed_hyper = {**matched.fixed_hyper, **neutral}
    fixed = {name: float(value) for name, value in claim.fixed.items() if name in claim.hyper}
    trace = rule_trace(claim, {**claim.hyper, **fixed_hyper, **fixed})
    return CallAttempt(call, render_class(call), result, fixed_hyper, trace, missing_hyper)


def _values(call: Call, claim: Claim) -> dict[str, Any]:
    values = {**NEUTRAL_ARGUMENTS, **claim.hyper, **claim.given}
    return {name: values.get(name, OTHER) for name in call.takes_by_name}


def _missing_key(result: Trial) -> str | None:
    error = result.error
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    return key if isinstance(key, str) else None


def _optional_key(
    lookups: list[_LookupLog], result: Trial, call: Call, claim: Claim, slots: Mapping[str, str]
) -> str | None:
    """Return an entry that the function looks up, and that is a hyper-parameter it has not been given yet."""
    if result.reason:
        return None
    for key, default in (item for entry in lookups for item in entry.missing.items()):
        role = _role_of_key(key, call, claim, slots, default)
        if role is not None and role.startswith("hyper "):
            return key
    return None


def _role_of_key(key: str, call: Call, claim: Claim, slots: Mapping[str, str], default: Any = None) -> str | None:
    """Return what the entry ``key`` of a dictionary is to hold: a hyper-parameter, a state or the count.

    Where no rule is claimed, any entry that is a float by default is a hyper-parameter.
    """
    if claim.keys:
        name = claim.keys.get(key, key if isinstance(default, float) else "")
        if name and name not in slots:
            return f"hyper {name}"
    for name, path in claim.maps.items():
        if path == key or path.endswith(f"['{key}']"):
            return "count" if name in ("t", "count") else f"state {name}" if name in claim.initial else f"hyper {name}"
    for name in () if claim.keys else hyper_matching.match(replace(claim, maps={}), [key]).slots:
        if name not in slots:
            return f"hyper {name}"
    assigned = {role for keys in call.keys.values() for role in keys.values()} | set(call.roles.values())
    for state in claim.initial:
        if key in (state, *STATE_ALIASES.get(state, ())) and f"state {state}" not in assigned:
            return f"state {state}"
    if key in COUNT_ALIASES:
        return "count"
    return f"option {key}" if key in claim.given else None


def _dictionary_for(role: str, call: Call) -> str:
    """Return the argument whose dictionary has an entry of this role: states often have a dictionary of their own."""
    own = call.container if call.form == "names" and role.startswith(("state ", "count")) else None
    return own or next(iter(call.dictionaries), None) or call.container or ""


def _is_updated(state: Any) -> bool:
    """Whether states that started at 0 are no longer: the function updates them in place."""
    if isinstance(state, (torch.Tensor, np.ndarray)):
        return bool(state.any())
    return isinstance(state, (list, tuple)) and any(_is_updated(entry) for entry in state)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, (torch.Tensor, np.ndarray))


def _returns(call: Call, result: Trial) -> tuple[str, ...]:
    """Return the names of what the function returned at its first step; empty where it works in place."""
    subject = result.subject
    answer = subject.answer
    locations = result.locations
    in_place = result.updates
    states = [*call.states, *([call.container] if call.container else [])]

    def is_theta(value: Any) -> bool:
        if call.takes == "tensor":
            return _is_tensor(value) and math.prod(value.shape) == locations[0].parameter.numel()
        return isinstance(value, (list, tuple)) and len(value) == len(locations) and all(map(_is_tensor, value))

    if is_theta(answer):
        returned = [answer] if call.takes == "tensor" else answer
        pairs = zip(map(torch.as_tensor, returned), locations, strict=True)
        same = all(torch.equal(value, at.parameter) for value, at in pairs)
        if not in_place:
            return ("theta",)
        return () if same or len(states) != 1 or _is_updated(getattr(subject, states[0])) else (states[0],)
    if isinstance(answer, dict) and len(call.dictionaries) == 1:
        return (call.dictionaries[0],)
    if not isinstance(answer, (list, tuple)):
        return ()
    rest: list[Any] = list(answer)
    names: list[str] = []
    if rest and is_theta(rest[0]) and (not in_place or len(rest) > len(states)):
        names.append("" if in_place else "theta")
        rest.pop(0)
    for name in states[: len(rest)]:
        names.append(name)
    for value in rest[len(states) :] if len(rest) > len(states) else ():
        free = [name for name in call.dictionaries if name not in names]
        names.append(free[0] if isinstance(value, dict) and free else "")
    return tuple(names) if any(names) else ()
