"""Fits: a stranger's class, factory or update function matched to a claim by its names and by what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_implementations.driver import state_access
from stepcheck_implementations.driver.arguments import arguments
from stepcheck_implementations.matching import calling, generic, trial
from stepcheck_implementations.matching import claim as claims
from stepcheck_implementations.matching.calling import Called
from stepcheck_implementations.matching.claim import GRADIENTS, Claim, Course
from stepcheck_implementations.matching.generic import Matched, NoMatch, StateLeaf
from stepcheck_implementations.matching.signature import LISTS, TENSORS, Signature, check_step, signature_of
from stepcheck_implementations.matching.trial import TAKES, Trial
from stepcheck_reference.suggest import did_you_mean

WRAPPER = "stepcheck_implementations.matching.update_function:wrapped"
MODE_FLAGS = ("foreach", "fused", "differentiable", "capturable")
"""Arguments that select an execution path by being true."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A target matched to a claim.

    ``defaults`` are its own values of hyper-parameters, ``reads`` says why nothing that it holds was seen ("" where it
    was), ``agrees`` whether it went in the trial where the rule goes, ``left`` counts arguments that look like
    hyper-parameters and are none of the rule's, ``spare`` the rule's that it does not take.
    """

    adapter: Adapter
    signature: str
    defaults: Mapping[str, float]
    reads: str
    agrees: bool
    left: int
    spare: int


def fit_target(found: Any, target: str, claim: Claim, steps: int = len(GRADIENTS)) -> Fit:
    """Return ``found`` matched to ``claim``, after a trial of ``steps`` steps; with 0 by its names alone.

    Raises TargetError where it is no optimizer, NoMatch where it does not cover the rule.
    """
    signature = signature_of(found, target)
    if isinstance(found, type):
        check_step(found, target, closure=claim.needs_objective)
    if not isinstance(found, type) and calling.is_update(signature):
        return _function(target, signature, claim, calling.found(found, target, signature, claim, steps))
    slots = generic.slots_of(signature.names, signature.defaults)
    matched = generic.match(claim, slots, open_ended=signature.open_ended)
    options = _options(target, signature, claim, matched)
    tries = [
        trial.tried(
            found,
            takes,
            {**_given(found, claim, matched, signature), **options},
            steps,
            needs_objective=claim.needs_objective,
        )
        for takes in _takes(found, signature)
    ]
    if not isinstance(found, type) and steps and not any(_steps(thing) for entry in tries for thing in entry.things):
        return _function(target, signature, claim, calling.found(found, target, signature, claim, steps))
    if matched.missing:
        raise generic.hyper_not_taken(target, signature.text, claim, matched.missing, _left(signature, claim, matched))
    _check_required(target, signature, claim, matched, options)
    course = claims.course(claim, _values(claim, matched))
    chosen = max(tries, key=lambda entry: (entry.agrees(course.theta), entry.moved, len(entry.theta)))
    return _class(target, signature, claim, matched, chosen, course)


def _steps(thing: Any) -> bool:
    return callable(getattr(thing, "step", None))


def _given(found: Any, claim: Claim, matched: Matched, signature: Signature) -> dict[str, Any]:
    """Return the constructor's arguments in the trial."""
    values = _values(claim, matched)
    flags: dict[str, Any] = {name: False for name in ("foreach", "fused") if name in signature.names}
    return {**arguments(matched.slots, {name: values[name] for name in matched.slots}, found), **flags}


def _values(claim: Claim, matched: Matched) -> dict[str, float]:
    """Return the hyper-parameters of the trial."""
    known = {*claim.hyper, *matched.slots}
    fixed = {name: float(value) for name, value in claim.fixed.items() if name in known}
    return {**claim.hyper, **matched.fixed_hyper, **fixed}


def _takes(found: Any, signature: Signature) -> tuple[str, ...]:
    """Return what to try building from, the likeliest first."""
    if isinstance(found, type) and issubclass(found, torch.optim.Optimizer):
        return ("groups", "list")
    if not isinstance(found, type):
        return TAKES
    one = signature.one or (signature.first in TENSORS and signature.first not in LISTS)
    return ("tensor", "list", "groups") if one else ("list", "tensor", "groups")


def _options(target: str, signature: Signature, claim: Claim, matched: Matched) -> dict[str, Any]:
    """Return what a user has set that is an argument and no hyper-parameter."""
    known = {*claim.hyper, *matched.slots}
    options = {name: value for name, value in claim.fixed.items() if name not in known}
    for name in options:
        if name not in signature.names and not signature.open_ended:
            allowed = [*claim.hyper, *signature.names]
            raise NoMatch(
                f"set={name}, but should be one of {', '.join(dict.fromkeys(allowed))}{did_you_mean(name, allowed)}"
            )
    return options


def _check_required(
    target: str, signature: Signature, claim: Claim, matched: Matched, options: Mapping[str, Any]
) -> None:
    taken = {slot.partition("[")[0] for slot in matched.slots.values()}
    lost = [name for name in signature.required if name not in taken and name not in options]
    if lost:
        raise NoMatch(
            f"{target}: takes {signature.text}, and nothing in {claim.rule} says what {', '.join(lost)} should be. "
            f"Give its value, as in --set {lost[0]}=1; say which hyper-parameter it is, as in --map lr={lost[0]}; or "
            "name a function of the parameters that builds it"
        )


def _class(target: str, signature: Signature, claim: Claim, matched: Matched, chosen: Trial, course: Course) -> Fit:
    chosen.held = _explicit(chosen)
    identified = generic.identify(claim, course, chosen.held, named_by_hand=not chosen.held)
    modes: dict[str, dict[str, object]] = {
        "single": {flag: False for flag in ("foreach", "fused") if flag in signature.names}
    }
    for flag in MODE_FLAGS:
        if flag in signature.names:
            modes[flag] = {**modes["single"], flag: True}
    settings = _settings(claim, matched, chosen) if chosen.theta else None
    adapter = Adapter(
        target=target,
        rule=claim.rule,
        hyper=matched.slots,
        states=identified.states,
        modes=modes,
        configurations=(Configuration("default", fixed_hyper=matched.fixed_hyper),),
        count=identified.count,
        takes=chosen.takes,
        settings=settings,
    )
    return Fit(
        adapter=adapter,
        signature=f"{target}{signature.text}",
        defaults=_defaults(matched.slots, signature.defaults),
        reads=chosen.reason,
        agrees=chosen.agrees(course.theta),
        left=_left(signature, claim, matched),
        spare=sum(1 for name in claim.hyper if name not in matched.slots),
    )


def _function(target: str, signature: Signature, claim: Claim, called: Called) -> Fit:
    held = {path: leaf for path, leaf in called.trial.held.items() if path.partition("[")[0] != "t"}
    identified = generic.identify(claim, called.course, held)
    states = dict(identified.states)
    container = called.call.container
    if container is not None and called.call.form == "entries":
        place = "[#]" if called.call.takes == "list" else ""
        for index, name in enumerate(claim.initial):
            if f"{container}{place}[{index}]" in held:
                states.setdefault(name, f"{container}{place}[{index}]")
    adapter = Adapter(
        target=target,
        rule=claim.rule,
        hyper={name: name for name in called.call.takes_by_name if name in claim.hyper or name in called.fixed_hyper},
        states=states,
        modes={"single": {}},
        configurations=(Configuration("default", fixed_hyper=called.fixed_hyper),),
        count=identified.count if container or called.call.dictionaries else None,
        takes=called.call.takes,
        wrapper=WRAPPER,
        source=called.text,
    )
    roles = called.call.roles
    slots = {role.removeprefix("hyper "): name for name, role in roles.items() if role.startswith("hyper ")}
    return Fit(
        adapter=adapter,
        signature=f"{target}{signature.text}",
        defaults=_defaults(slots, signature.defaults),
        reads=called.trial.reason,
        agrees=called.trial.agrees(called.course.theta),
        left=sum(1 for name in signature.names if name not in roles and _numeric(signature.defaults.get(name))),
        spare=sum(1 for name in claim.hyper if name not in adapter.hyper),
    )


def _explicit(chosen: Trial) -> dict[str, StateLeaf]:
    """Return what is held with paths that say "state" where the subject is not built from groups and yet has it."""
    if chosen.takes == "groups" or not chosen.things or not state_access.is_optimizer(chosen.things[0]):
        return chosen.held
    found = {}
    for path, leaf in chosen.held.items():
        if path.startswith("group."):
            found[f".param_groups[0]['{path.removeprefix('group.')}']"] = leaf
        elif path.startswith("."):
            found[path] = leaf
        else:
            key, bracket, rest = path.partition("[")
            found[f".state[p]['{key}']{bracket}{rest}"] = leaf
    return found


def _settings(claim: Claim, matched: Matched, chosen: Trial) -> dict[str, str]:
    """Return where each hyper-parameter can be changed after construction: where it stands, by name or by value."""
    thing, where = chosen.things[0], chosen.wheres[0]
    values = _values(claim, matched)
    table = thing.param_groups[0] if state_access.is_optimizer(thing) else getattr(thing, "__dict__", {})
    leaves = {**state_access.everything(thing, [where])}
    if state_access.is_optimizer(thing):
        leaves |= {key: [value] for key, value in table.items() if isinstance(value, (int, float))}
    found: dict[str, str] = {}
    for name, slot in matched.slots.items():
        stem, bracket, rest = slot.partition("[")
        if stem in table:
            listed = state_access.is_optimizer(thing) and chosen.takes != "groups"
            found[name] = f".param_groups[0]['{stem}']{bracket}{rest}" if listed else slot
            continue
        standing = [path for path, held in leaves.items() if isinstance(held[0], float) and held[0] == values[name]]
        if len(standing) == 1:
            found[name] = standing[0]
    return found


def _defaults(slots: Mapping[str, str], given: Mapping[str, object]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, slot in slots.items():
        key, bracket, place = slot.partition("[")
        value: Any = given.get(key)
        if bracket and isinstance(value, (list, tuple)) and int(place.rstrip("]")) < len(value):
            value = value[int(place.rstrip("]"))]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[name] = float(value)
    return found


def _left(signature: Signature, claim: Claim, matched: Matched) -> int:
    taken = {slot.partition("[")[0] for name, slot in matched.slots.items() if name in claim.hyper}
    return sum(1 for name in signature.names if name not in taken and _numeric(signature.defaults.get(name, 0.0)))


def _numeric(value: object) -> bool:
    return isinstance(value, (int, float, list, tuple)) and not isinstance(value, bool)
