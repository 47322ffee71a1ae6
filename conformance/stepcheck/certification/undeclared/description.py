"""The description of a target: what it offers, with the rule that it claims where it has no adapter of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from stepcheck.certification.certificate import Matched
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER, Adapter
from stepcheck_implementations.matching.aliases import NEUTRAL_ARGUMENTS
from stepcheck_implementations.matching.description import inheriting
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_reference import dataclass_codec
from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.suggest import unknown


class NotMatched(WrongRequest):
    """A target whose arguments are not those of the rule, by their names and by what they do in a trial."""


def described(request: Request, runner: Runner) -> tuple[Request, dict[str, Any]]:
    """Return ``describe`` of the request, which may need to learn from the code which argument is which."""
    from stepcheck.certification.formula.formula_of import arguments_of

    try:
        return request, describe(request, runner)
    except NotMatched:
        maps, numbers = arguments_of(request, runner, str(request.rule))
        learnt = replace(request, maps={**maps, **request.maps}, fixed={**numbers, **request.fixed})
        if (learnt.maps, learnt.fixed) == (request.maps, request.fixed):
            raise
        return learnt, describe(learnt, runner)


def describe(request: Request, runner: Runner) -> dict[str, Any]:
    """Return what the request's target offers, one class; without an adapter of its own it needs a rule.

    Raises WrongRequest where its names do not fit, and OutOfDomain and TargetError.
    """
    from stepcheck.certification.undeclared import configurations, refusals
    from stepcheck.certification.undeclared.claims import claim_of
    from stepcheck_reference.rules import find

    if libraries.find(request.target) is not None:
        if request.maps:
            raise WrongRequest(f"map={next(iter(request.maps))}, but {request.target} has an adapter of its own")
        return runner.describe(request.target)
    signature = runner.signature(request.target)
    inherited = inheriting(signature, request.target)
    if inherited is not None and not request.maps and set(request.fixed) <= set(inherited.hyper):
        return inherited_description(runner.describe(request.target), inherited, signature)
    assert request.rule is not None  # see ``with_rule``
    rule = find(request.rule)
    hyper = {symbol.name: symbol for symbol in rule.hyper}
    fixed = {name: value for name, value in request.fixed.items() if name in hyper}
    rule.check_hyper(fixed)
    for name, value in fixed.items():
        if isinstance(value, bool):
            raise WrongRequest(f"set={name}={value}, but {name} of {rule.name} should be a number")
    states = [symbol.name for symbol in (*rule.init, *rule.scalars)]
    for name in request.maps:
        if name not in (allowed := [*hyper, *states, "count", "g", *NEUTRAL_ARGUMENTS]):
            raise WrongRequest(unknown("map", name, dict.fromkeys(allowed)))
    defaults = signature["defaults"]
    try:
        options = configurations.first_options(request, defaults)
        description = runner.describe(request.target, claim_of(rule.name, rule, request.fixed, request.maps, options))
        every = configurations.all_options(request, defaults)
        if description["adapter"]["source"] and every != options:
            description = runner.describe(request.target, claim_of(rule.name, rule, request.fixed, request.maps, every))
    except NoMatch as error:
        raise NotMatched(str(error)) from error
    adapter = dataclass_codec.decode(Adapter, description["adapter"])
    found = configurations.exercised(request, runner, adapter, signature["arguments"], defaults)
    refused = refusals.refused(request, runner, adapter, rule)
    adapter = replace(
        found.adapter,
        domains=refused.domains or None,
        inherits=str(signature["inherits"]),
        declared=bool(signature["inherits"]),
        refuses=tuple(name for name in refused.reasons if "=" not in name),
    )
    return {
        **description,
        "adapter": dataclass_codec.encode(adapter),
        "options": (*found.sentences, *_compensated(adapter)),
        "refuses": tuple(refusals.listed(refused.reasons)),
        "unexercised": found.unexercised,
    }


def with_rule(request: Request, runner: Runner) -> tuple[Request, Formula | None]:
    """Return ``request`` with the rule that the target's code computes, where it needs one and names none.

    Raises WrongRequest where no rule here computes that, with the equations that were read; and where they were not
    read, with the rules that the target's arguments fit.
    """
    from stepcheck.certification.formula.formula_of import NO_RULE, taken
    from stepcheck.certification.references.brought_rules import brought_rule
    from stepcheck.certification.references.matching_reference import matched_with_brought
    from stepcheck.certification.undeclared.suggestion import suggestion

    if libraries.find(request.target) is None and (brought := brought_rule(request.rule)) is not None:
        return matched_with_brought(request, runner, brought)
    if request.rule is not None or libraries.find(request.target) is not None:
        return request, None
    if inheriting(runner.signature(request.target), request.target) is not None:
        return request, None
    formula = taken(request, runner)
    if isinstance(formula, str):
        proposed = suggestion(request, runner, proposes=NO_RULE not in formula)
        raise WrongRequest(f"{proposed}. Its code was not read: {formula}")
    known = {symbol.name for symbol in ALPHABET}
    maps = {name: said for name, said in formula.arguments.items() if said not in known}
    return replace(
        request, rule=formula.rule, maps={**maps, **request.maps}, fixed={**formula.numbers, **request.fixed}
    ), formula


def _compensated(adapter: Adapter) -> Iterator[str]:
    """Yield what the value of a parameter is, where the subject keeps more of it than its format has."""
    if COMPENSATION in adapter.states:
        place = adapter.states[COMPENSATION]
        yield f"parameters are compensated (Kahan): what is checked is a parameter plus its compensation in {place}"
    if MASTER in adapter.states:
        place = adapter.states[MASTER]
        yield f"parameters are roundings of master weights: what is checked is the wider copy in {place}"


def inherited_description(
    description: Mapping[str, Any], adapter: Adapter, signature: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the description of a subclass with the adapter of its base; arguments of its own keep their default."""
    known = {slot.partition("[")[0] for slot in adapter.hyper.values()}
    known |= {name for entry in adapter.configurations for name in entry.options}
    known |= {name for options in adapter.modes.values() for name in options}
    own = {name: repr(value) for name, value in signature["defaults"].items() if name not in known}
    sentence = f"arithmetic, modes and known issues are those of {adapter.inherits}, whose steps it takes"
    return {**description, "options": (sentence,), "unexercised": own, "refuses": ()}


def matched(adapter: Adapter, description: Mapping[str, Any]) -> Matched:
    """Return how a target was matched to its rule, from what ``describe`` returned of it."""
    from stepcheck_reference.rules import find

    trial_ended = str(description["reads"])
    configuration, rule = adapter.configurations[0], find(str(adapter.rule))
    beyond = f" - {adapter.count_offset}" if adapter.count_offset else ""
    states = {**adapter.states, **({"count": f"{adapter.count}{beyond}"} if adapter.count else {})}
    fixed = configuration.fixed_hyper
    return Matched(
        hyper={name: slot for name, slot in adapter.hyper.items() if name not in fixed},
        fixed=dict(fixed),
        states=states,
        unmapped=tuple(s.name for s in (*rule.init, *rule.scalars) if s.name not in adapter.states),
        constant=tuple(name for name in adapter.constant_hyper if name not in {*fixed, *adapter.unchanging}),
        refuses=tuple(description["refuses"]),
        options=tuple(description["options"]),
        unexercised=dict(description["unexercised"]),
        unseen=f"a trial ended early: {trial_ended}" if trial_ended else "",
    )
