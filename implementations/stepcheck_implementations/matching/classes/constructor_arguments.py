"""Constructor arguments: what a class without an adapter is built from and with, in a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.matching import hyper_matching
from stepcheck_implementations.matching.aliases import SINGLE_TENSORS, TENSOR_LISTS
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.driving.driven import Driven
from stepcheck_implementations.matching.hyper_matching import Matched, NoMatch
from stepcheck_implementations.matching.signature import Signature
from stepcheck_implementations.matching.trial import TAKES
from stepcheck_reference.suggest import did_you_mean


def trial_arguments(target_object: Any, claim: Claim, matched: Matched, signature: Signature) -> dict[str, Any]:
    """Return the constructor's arguments in the trial."""
    values = trial_values(claim, matched)
    flags: dict[str, Any] = {name: False for name in ("foreach", "fused") if name in signature.names}
    return {**arguments(matched.slots, {name: values[name] for name in matched.slots}, target_object), **flags}


def trial_values(claim: Claim, matched: Matched) -> dict[str, float]:
    """Return the hyper-parameters of the trial."""
    hyper_names = {*claim.hyper, *matched.slots}
    fixed = {name: float(value) for name, value in claim.fixed.items() if name in hyper_names}
    return {**claim.hyper, **matched.fixed_hyper, **fixed}


def _takes(target_object: Any, signature: Signature) -> tuple[str, ...]:
    """Return what to try building from, the likeliest first."""
    if isinstance(target_object, type) and issubclass(target_object, torch.optim.Optimizer):
        return ("groups", "list")
    if not isinstance(target_object, type):
        return TAKES
    one = signature.one or (signature.first in SINGLE_TENSORS and signature.first not in TENSOR_LISTS)
    return ("tensor", "list", "groups") if one else ("list", "tensor", "groups")


def inputs(target_object: Any, signature: Signature, wrapper: str, inner: Driven | None) -> tuple[str, ...]:
    """Return what to try building from, the likeliest first."""
    if inner is not None and inner.takes:
        return (inner.takes,)
    return ("list",) if wrapper and inner is None else _takes(target_object, signature)


def probe_arguments(target_object: Any, signature: Signature, claim: Claim) -> dict[str, Any]:
    """Return constructor arguments for finding out how a class is driven."""
    slots = hyper_matching.slots_of(signature.names, signature.defaults)
    matched = hyper_matching.match(claim, slots, open_ended=False)
    given = trial_arguments(target_object, claim, matched, signature)
    return {**given, **{name: value for name, value in claim.given.items() if name in signature.names}}


def chosen_options(target: str, signature: Signature, claim: Claim, matched: Matched) -> dict[str, Any]:
    """Return the user's values of arguments that are no hyper-parameters."""
    hyper_names = {*claim.hyper, *matched.slots}
    options = {name: value for name, value in claim.given.items() if name not in hyper_names}
    for name in options:
        if name not in signature.names and not signature.open_ended:
            allowed = [*claim.hyper, *signature.names]
            raise NoMatch(
                f"set={name}, but should be one of {', '.join(dict.fromkeys(allowed))}{did_you_mean(name, allowed)}"
            )
    return options


def check_required(
    target: str, signature: Signature, claim: Claim, matched: Matched, options: Mapping[str, Any]
) -> None:
    """Raise NoMatch where the target requires an argument that nothing tells the value of."""
    hyper_arguments = {slot.partition("[")[0] for slot in matched.slots.values()}
    missing = [name for name in signature.required if name not in hyper_arguments and name not in options]
    if missing:
        raise NoMatch(
            f"{target}: takes {signature.text}, and nothing in {claim.rule} says what {', '.join(missing)} should be. "
            f"Give its value, as in --set {missing[0]}=1; say which hyper-parameter it is, as in --map "
            f"lr={missing[0]}; or name a function of the parameters that builds it"
        )
