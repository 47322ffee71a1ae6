"""Anyone's optimizer, matched to a rule by its names and by what it holds; tables of aliases, no torch.

What cannot be matched is said, never assumed: a hyper-parameter of the rule that the subject does not take is an
error, a state that is not found is not observed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepcheck_implementations.driver.state_path import tail
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.claim import Claim, Course, Rows
from stepcheck_reference.suggest import did_you_mean

HYPER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "eta", "step_size", "stepsize", "lrate", "rate", "alpha"),
    "beta": ("beta", "momentum", "mu", "beta1", "betas[0]", "gamma", "rho", "decay"),
    "beta1": ("betas[0]", "beta1", "b1", "beta_1", "beta", "mu", "momentum"),
    "beta2": ("betas[1]", "beta2", "b2", "beta_2", "nu"),
    "eps": ("eps", "epsilon", "e", "delta"),
    "weight_decay": ("weight_decay", "wd", "l2", "lambda_", "lam", "decay"),
    "momentum": ("momentum", "mu", "beta", "gamma", "rho", "beta1"),
    "dampening": ("dampening", "tau"),
    "momentum_decay": ("momentum_decay", "schedule_decay", "psi"),
    "rho": ("rho", "decay", "beta", "gamma", "alpha", "decay_rate", "smoothing"),
    "eps_root": ("eps_root",),
    "lr_decay": ("lr_decay",),
    "initial_accumulator": ("initial_accumulator_value", "initial_accumulator", "initial_value"),
    "eta_minus": ("etas[0]", "eta_minus", "etaminus", "eta_n", "decrease", "shrink"),
    "eta_plus": ("etas[1]", "eta_plus", "etaplus", "eta_p", "increase", "grow"),
    "step_min": ("step_sizes[0]", "step_min", "min_step", "min_step_size", "step_size_min", "delta_min"),
    "step_max": ("step_sizes[1]", "step_max", "max_step", "max_step_size", "step_size_max", "delta_max"),
    "lambd": ("lambd", "lambda_", "lam"),
    "alpha": ("alpha", "power"),
    "t0": ("t0",),
}
"""Alphabet name to the arguments it may be called, the most telling first; one that is not listed has its own name."""

ONLY_AVERAGE: Mapping[str, tuple[str, ...]] = {
    "beta2": (*HYPER_ALIASES["beta2"], "alpha", "rho", "gamma", "decay", "decay_rate", "smoothing", "beta"),
}
"""What else it may be called in a rule that has no beta1: there are no two averages to tell apart."""

STATE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "m": ("exp_avg", "m", "first_moment", "mu", "moment1", "mom1", "momentum", "mt"),
    "v": ("exp_avg_sq", "v", "second_moment", "nu", "moment2", "mom2", "square_avg", "s", "r", "cache", "vt", "sq"),
    "v_max": ("max_exp_avg_sq", "v_max", "vmax", "max_v", "v_hat_max", "nu_max", "v_hat"),
    "v_hat_max": ("max_exp_avg_sq", "v_hat_max", "v_max", "vmax", "nu_max"),
    "b": ("momentum_buffer", "b", "buf", "buffer", "velocity", "vel", "v", "momentum", "momenta", "momentum_buf", "m"),
    "velocity": ("velocity", "vel", "v", "momentum_buffer", "buf", "momentum"),
    "M": ("M", "exp_avg", "m", "momentum_buffer", "buf", "velocity", "v", "momentum"),
    "h": ("sum", "h", "sum_of_squares", "accumulator", "G", "s", "r", "cache", "sum_sq", "state_sum", "v"),
    "a": ("grad_avg", "a", "average_grad", "mean_grad", "mg", "m"),
    "x": ("acc_delta", "x", "delta", "accumulated_update", "delta_accumulator", "u", "d"),
    "u": ("exp_inf", "u", "inf_norm", "infinity_norm", "v"),
    "g_prev": ("prev", "g_prev", "prev_grad", "grad_prev", "previous_grad", "last_grad", "old_grad"),
    "step_size": ("step_size", "s", "step_sizes", "delta", "deltas"),
    "ax": ("ax", "average", "mean", "averaged"),
    "mu_product": ("mu_product", "mu_prod", "m_schedule", "momentum_product"),
}
"""Alphabet name to the keys its state may have; a state that is not listed may have its own name."""

COUNT_ALIASES = (
    "step",
    "steps",
    "t",
    "step_count",
    "n_steps",
    "_step_count",
    "_step",
    "_t",
    "iteration",
    "iterations",
    "iter",
    "it",
    "timestep",
    "step_num",
    "num_steps",
)
"""What a step counter may be called, in a parameter's state, in its group or as an argument."""

NEUTRAL_HYPER: Mapping[str, float] = dict.fromkeys(
    ("dampening", "weight_decay", "lr_decay", "initial_accumulator", "eps_root"), 0.0
)
"""What a hyper-parameter is where a subject does not have it at all."""

NEUTRAL_ARGUMENTS: Mapping[str, float] = {**NEUTRAL_HYPER, "momentum": 0.0}
"""What an argument is held at where the rule has no such hyper-parameter."""

SAME_WITHIN = 2.0**-12
"""How near two numbers are, in units of the larger, to be taken for one that two programs computed: states may be
held in a narrow dtype. It identifies a state, and judges nothing."""

_PLACE = re.compile(r"^\w+\[\d+\]$")


class NoMatch(TargetError):
    """A subject that does not cover the rule.

    ``missing`` are the hyper-parameters it does not take, ``left`` counts arguments the rule has no use for.
    """

    def __init__(self, message: str, missing: Sequence[str] = (), left: int = 0) -> None:
        super().__init__(message)
        self.missing, self.left = tuple(missing), left


@dataclass(frozen=True, slots=True)
class Matched:
    """Hyper-parameters by alphabet name: ``slots`` the argument of each, ``fixed_hyper`` the value of those held."""

    slots: Mapping[str, str]
    fixed_hyper: Mapping[str, float]
    missing: tuple[str, ...]
    left: tuple[str, ...]


def aliases_of(name: str, hyper: Collection[str]) -> tuple[str, ...]:
    """Return what ``name`` may be called in a rule with those ``hyper``-parameters."""
    if name in ONLY_AVERAGE and "beta1" not in hyper:
        return ONLY_AVERAGE[name]
    return HYPER_ALIASES.get(name, (name,))


def slots_of(arguments: Iterable[str], defaults: Mapping[str, object]) -> list[str]:
    """Return the names that arguments go by: a tuple's entries each, as in "betas[0]"."""
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


def match(claim: Claim, slots: Sequence[str], *, open_ended: bool = False) -> Matched:
    """Return which of ``slots`` each hyper-parameter of ``claim`` is.

    What a user has mapped comes first, then the most telling names of all, then the second most telling, and so on:
    "alpha" is a learning rate only where nothing claims it sooner. ``open_ended`` subjects take any name. Raises
    NoMatch for a mapping to an argument that is not there.
    """
    matched: dict[str, str] = {}
    for name, slot in claim.maps.items():
        if name in claim.hyper or name in NEUTRAL_ARGUMENTS:
            _check_slot(name, slot, slots, open_ended=open_ended)
            matched[name] = slot
    called = {name: aliases_of(name, claim.hyper) for name in claim.hyper}
    for rank in range(max((len(entry) for entry in called.values()), default=0)):
        for name, aliases in called.items():
            if name not in matched and rank < len(aliases):
                alias = aliases[rank]
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
    if slot in slots or (_PLACE.match(slot) and slot.partition("[")[0] in stems) or open_ended:
        return
    raise NoMatch(
        f"map={name}={slot}, but the arguments are {', '.join(slots) or 'none'}{did_you_mean(slot, list(slots))}"
    )


def hyper_not_taken(target: str, signature: str, claim: Claim, missing: Sequence[str], left: int = 0) -> NoMatch:
    """Return the error of a subject that does not take all that the rule needs."""
    wanted = "; ".join(f"{name}, often called {', '.join(aliases_of(name, claim.hyper))}" for name in missing)
    first = missing[0]
    return NoMatch(
        f"{target}: takes {signature}, but {claim.rule} needs {wanted}. Say which argument it is, as in "
        f"--map {first}=ARGUMENT, or which value it has inside, as in --set {first}=NUMBER",
        missing,
        left,
    )


@dataclass(frozen=True, slots=True)
class StateLeaf:
    """A number or tensor that a subject holds: one row a step of the probe, ``scalar`` where it is one number.

    ``own`` says that each tensor has its own: a counter that all share tells nothing of one that missed a gradient.
    """

    rows: Rows
    scalar: bool
    own: bool = True


@dataclass(frozen=True, slots=True)
class Identified:
    """States by alphabet name, and the path of each; ``count`` is the path of the step counter."""

    states: Mapping[str, str]
    count: str | None


def identify(claim: Claim, course: Course, held: Mapping[str, StateLeaf], *, named_by_hand: bool = False) -> Identified:
    """Return where the states of ``claim`` are among what is ``held``, by path.

    A name that fits and holds the rule's values comes first, then values without a name, then a name alone: its
    values are wrong, which is for a law to say. A step counter has to be a tensor's own. With ``named_by_hand``
    nothing was seen, and a user's mapping is taken at its word; else NoMatch is raised for one to a path that is
    not there.
    """
    found: dict[str, str] = {}
    count: str | None = None
    for name, path in claim.maps.items():
        if name in claim.initial or name in ("count", "t"):
            if path not in held and not named_by_hand:
                raise NoMatch(
                    f"map={name}={path}, but what is held is {', '.join(held) or 'nothing'}{did_you_mean(path, held)}"
                )
            if name in ("count", "t"):
                count = path
            else:
                found[name] = path
    named = {name: _named(STATE_ALIASES.get(name, (name,)), name in claim.scalars, held) for name in claim.initial}
    alike = {name: [path for path in held if _alike(claim, course, name, held[path])] for name in claim.initial}
    for paths in (
        {name: [path for path in named[name] if path in alike[name]] for name in named},
        alike,
        named,
    ):
        for name in claim.initial:
            free = [path for path in paths[name] if path not in found.values()]
            if name not in found and free:
                found[name] = free[0]
    if count is None:
        own = {path: leaf for path, leaf in held.items() if path not in found.values() and leaf.own}
        counting = [path for path, leaf in own.items() if _counts(leaf)]
        wanted = [path for path in _named(COUNT_ALIASES, True, own) if path in counting] or counting
        count = next(iter(wanted or _named(COUNT_ALIASES, True, own)), None)
    return Identified({name: found[name] for name in claim.initial if name in found}, count)


def _named(aliases: Sequence[str], scalar: bool, held: Mapping[str, StateLeaf]) -> list[str]:
    """Return the paths whose name is an alias and whose kind fits, the most telling first."""
    return [
        path
        for alias in aliases
        for path, leaf in held.items()
        if leaf.scalar is scalar and tail(path) in (alias, f"{alias}s", f"_{alias}")
    ]


def _alike(claim: Claim, course: Course, name: str, leaf: StateLeaf) -> bool:
    """Whether ``leaf`` holds what the rule's state ``name`` is after every step of the probe."""
    rows = course.states.get(name, ())
    if not rows or leaf.scalar is not (name in claim.scalars):
        return False
    return near(rows[: len(leaf.rows)], leaf.rows)


def near(expected: Rows, observed: Rows) -> bool:
    """Whether every number of ``observed`` is alike to the one expected; rows may be of the first tensors alone."""
    pairs = [pair for rows in zip(expected, observed, strict=False) for pair in zip(*rows, strict=False)]
    return len(expected) == len(observed) and all(_alike_numbers(one, other) for one, other in pairs)


def _alike_numbers(one: float, other: float) -> bool:
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.isfinite(one) is math.isfinite(other)
    return abs(one - other) <= SAME_WITHIN * max(abs(one), abs(other))


def _counts(leaf: StateLeaf) -> bool:
    return leaf.scalar and all(set(row) == {float(step)} for step, row in enumerate(leaf.rows, 1))
