"""Fits: a class, factory or update function without an adapter, matched to a claim by its names and by a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching import hyper_matching, trial
from stepcheck_implementations.matching.argument_roles import is_update
from stepcheck_implementations.matching.call_search import CallAttempt, find_call
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, Claim, RuleTrace, rule_trace
from stepcheck_implementations.matching.classes.compensation import compensation
from stepcheck_implementations.matching.classes.constructor_arguments import (
    check_required,
    chosen_options,
    inputs,
    probe_arguments,
    trial_arguments,
    trial_values,
)
from stepcheck_implementations.matching.classes.parameter_inputs import input_wrapper
from stepcheck_implementations.matching.classes.settings import settings_of
from stepcheck_implementations.matching.driving.driven import driven
from stepcheck_implementations.matching.hyper_matching import Matched, NoMatch, configuration_name, defaults_of
from stepcheck_implementations.matching.signature import Signature, check_step, signature_of
from stepcheck_implementations.matching.state_matching import StateLeaf, identify
from stepcheck_implementations.matching.transformations import is_factory
from stepcheck_implementations.matching.trial import Trial

MODE_FLAGS = ("foreach", "fused", "differentiable", "capturable")
"""Arguments that select an execution path when true."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A target matched to a claim.

    ``defaults`` are its own values of hyper-parameters, ``reads`` says why its state was not observed in the trial (""
    where it was), ``agrees`` whether its parameters were the rule's there, ``left`` counts arguments that look like
    hyper-parameters and are none of the rule's, ``spare`` the rule's that it does not take. ``refused`` is what it
    raised where it refused its arguments, at construction or in the first step.
    """

    adapter: Adapter
    signature: str
    defaults: Mapping[str, float]
    reads: str
    agrees: bool
    left: int
    spare: int
    refused: str = ""


def fit_target(target_object: Any, target: str, claim: Claim, steps: int = len(PROBE_GRADIENTS)) -> Fit:
    """Return ``target_object`` matched to ``claim``, after a trial of ``steps`` steps; with 0 by its names alone.

    Raises TargetError where it is no optimizer, NoMatch where it lacks hyper-parameters of the rule.
    """
    signature = signature_of(target_object, target)
    if is_factory(target_object):
        raise TargetError(
            f"{target}: returns an optax transformation, which certify drives only where it has an adapter, as "
            "optax.adam has; read and identify say what this one computes"
        )
    if isinstance(target_object, type):
        check_step(target_object, target)
    if not isinstance(target_object, type) and is_update(signature):
        return _function(target, signature, claim, find_call(target_object, target, signature, claim, steps))
    wrapper, source, kind = input_wrapper(signature.first), "", target_object
    inner = driven(target_object, target, lambda: probe_arguments(kind, signature, claim))
    if inner is not None:
        target_object, wrapper, source = inner.build, wrappers.UPDATE_FUNCTION, inner.text
    elif wrapper:
        target_object = wrappers.load_wrapper(wrapper)(target_object, None)
    slots = hyper_matching.slots_of(signature.names, signature.defaults)
    matched = hyper_matching.match(claim, slots, open_ended=signature.open_ended)
    options = chosen_options(target, signature, claim, matched)
    trials = [
        trial.run_trial(
            target_object,
            takes,
            {**trial_arguments(target_object, claim, matched, signature), **options},
            steps,
            needs_objective=claim.needs_objective,
        )
        for takes in inputs(target_object, signature, wrapper, inner)
    ]
    if wrapper and inner is None and steps and trials[0].subject is None and trials[0].reason:
        raise NoMatch(
            f"{target}: takes {signature.text}, and did not take a torch.nn.ParameterList as {signature.first} "
            f"({trials[0].reason}). Name a function that builds it from a list of parameters, as in "
            f"def build(params, lr=1e-3): return ..."
        )
    if (
        not wrapper
        and not isinstance(target_object, type)
        and steps
        and not any(_has_step(entry.subject) for entry in trials)
    ):
        return _function(target, signature, claim, find_call(target_object, target, signature, claim, steps))
    if matched.missing:
        raise hyper_matching.hyper_not_taken(
            target, signature.text, claim, matched.missing, _left(signature, claim, matched)
        )
    check_required(target, signature, claim, matched, options)
    trace = rule_trace(claim, trial_values(claim, matched))
    chosen = max(trials, key=lambda entry: (entry.agrees(trace.theta), entry.updates, len(entry.theta)))
    kept = _compensation(
        target_object, claim, matched, {**trial_arguments(target_object, claim, matched, signature), **options}, chosen
    )
    return _class(target, signature, claim, matched, chosen, trace, wrapper, source, kept)


def _has_step(optimizer: Any) -> bool:
    return callable(getattr(optimizer, "step", None))


def _class(
    target: str,
    signature: Signature,
    claim: Claim,
    matched: Matched,
    chosen: Trial,
    trace: RuleTrace,
    wrapper: str,
    source: str,
    kept: Mapping[str, str],
) -> Fit:
    leaves = _explicit(chosen)
    identified = identify(claim, trace, leaves, named_by_hand=not leaves)
    modes: dict[str, dict[str, object]] = {
        "single": {flag: False for flag in ("foreach", "fused") if flag in signature.names}
    }
    for flag in MODE_FLAGS:
        if flag in signature.names:
            modes[flag] = {**modes["single"], flag: True}
    settings = settings_of(matched, chosen, trial_values(claim, matched)) if chosen.theta else None
    adapter = Adapter(
        target=target,
        rule=claim.rule,
        hyper=matched.slots,
        states={**identified.states, **kept},
        modes=modes,
        configurations=(_configuration(claim, signature, matched.fixed_hyper),),
        count=identified.count,
        takes=chosen.takes,
        wrapper=wrapper,
        source=source,
        settings=settings,
        fitted=True,
        count_offset=identified.count_offset,
        trains=callable(getattr(chosen.subject, "train", None)),
    )
    return Fit(
        adapter=adapter,
        signature=f"{target}{signature.text}",
        defaults=defaults_of(matched.slots, signature.defaults),
        reads=chosen.reason,
        agrees=chosen.agrees(trace.theta),
        left=_left(signature, claim, matched),
        spare=sum(1 for name in claim.hyper if name not in matched.slots),
        refused=chosen.refused,
    )


def _function(target: str, signature: Signature, claim: Claim, attempt: CallAttempt) -> Fit:
    leaves = {path: leaf for path, leaf in attempt.trial.leaves.items() if path.partition("[")[0] != "t"}
    identified = identify(claim, attempt.trace, leaves)
    states = dict(identified.states)
    container = attempt.call.container
    if container is not None and attempt.call.form == "entries":
        entry = "[#]" if attempt.call.takes == "list" else ""
        for index, name in enumerate(claim.initial):
            if f"{container}{entry}[{index}]" in leaves:
                states.setdefault(name, f"{container}{entry}[{index}]")
    adapter = Adapter(
        target=target,
        rule=claim.rule,
        hyper={name: name for name in attempt.call.takes_by_name if name in claim.hyper or name in attempt.fixed_hyper},
        states=states,
        modes={"single": {}},
        configurations=(_configuration(claim, signature, attempt.fixed_hyper),),
        count=identified.count if container or attempt.call.dictionaries else None,
        takes=attempt.call.takes,
        wrapper=wrappers.UPDATE_FUNCTION,
        source=attempt.text,
        fitted=True,
        count_offset=identified.count_offset if container or attempt.call.dictionaries else 0,
    )
    roles = attempt.call.roles
    slots = {role.removeprefix("hyper "): name for name, role in roles.items() if role.startswith("hyper ")}
    return Fit(
        adapter=adapter,
        signature=f"{target}{signature.text}",
        defaults=defaults_of(slots, signature.defaults),
        reads=attempt.trial.reason,
        agrees=attempt.trial.agrees(attempt.trace.theta),
        left=sum(1 for name in signature.names if name not in roles and _numeric(signature.defaults.get(name))),
        spare=sum(1 for name in claim.hyper if name not in adapter.hyper),
        refused=attempt.trial.refused,
    )


def _compensation(
    target_object: Any, claim: Claim, matched: Matched, given: Mapping[str, Any], chosen: Trial
) -> Mapping[str, str]:
    """Return where a class keeps what its narrow parameters lack, as a state; nothing where it keeps no such thing.

    It is tried in bfloat16 without decay, which some round into the parameter.
    """
    values = {**trial_values(claim, matched), **({"weight_decay": 0.0} if "weight_decay" in claim.hyper else {})}
    trace = rule_trace(claim, values)
    if not trace.theta or len(chosen.theta) < len(PROBE_GRADIENTS):
        return {}
    undecayed = arguments(matched.slots, {name: values[name] for name in matched.slots}, target_object)
    tried = trial.run_trial(
        target_object,
        chosen.takes,
        {**given, **undecayed},
        needs_objective=claim.needs_objective,
        dtype=torch.bfloat16,
    )
    tried_leaves = _explicit(tried) if tried.subject is not None else {}
    return compensation(trace.theta, tried.theta, tried_leaves)


def _configuration(claim: Claim, signature: Signature, fixed_hyper: Mapping[str, float]) -> Configuration:
    """Return the configuration in which the target was tried, named after the options that differ from the default."""
    return Configuration(configuration_name(claim.options, signature.defaults), claim.options, fixed_hyper=fixed_hyper)


def _explicit(chosen: Trial) -> dict[str, StateLeaf]:
    """Return the leaves, under paths that begin at ``.state`` and ``.param_groups`` where there is an object a group.

    A path of an adapter with ``takes="groups"`` begins in the optimizer's own tables; others begin at its attributes.
    """
    if chosen.takes == "groups" or not state_access.is_optimizer(chosen.subject):
        return chosen.leaves
    explicit = {}
    for path, leaf in chosen.leaves.items():
        if path.startswith("group."):
            explicit[f".param_groups[0]['{path.removeprefix('group.')}']"] = leaf
        elif path.startswith("."):
            explicit[path] = leaf
        else:
            key, bracket, rest = path.partition("[")
            explicit[f".state[p]['{key}']{bracket}{rest}"] = leaf
    return explicit


def _left(signature: Signature, claim: Claim, matched: Matched) -> int:
    matched_names = {slot.partition("[")[0] for name, slot in matched.slots.items() if name in claim.hyper}
    return sum(
        1 for name in signature.names if name not in matched_names and _numeric(signature.defaults.get(name, 0.0))
    )


def _numeric(value: object) -> bool:
    return isinstance(value, (int, float, list, tuple)) and not isinstance(value, bool)
