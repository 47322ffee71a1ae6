"""Bases: plain scripts from which laws that hold two runs against each other start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from stepcheck_properties.law import Facts
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of, ordered, typical_values
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Drawn, Group, Literal, Quadratic, Script, Step, Tensor

CURVATURE = 0.75
"""The curvature of the objective where a rule needs one; 1 would hide a rounding."""
ZERO = Literal((0.0,))
DECAYS = ("weight_decay", "lambd")
"""Hyper-parameters that pull parameters toward 0 whatever their gradients."""
GUARDS, GUARD = ("eps", "eps_root"), 2.0**-6
"""What keeps divisors from 0, and a value of it that no dtype rounds to 0 and that keeps quotients small."""


def hyper(facts: Facts, turn: int = 0, **wanted: float) -> dict[str, float]:
    """Return the ``turn``-th choice of hyper-parameters, 0 being the plainest; never a learning rate of 0.

    ``wanted`` values go over it where the rule has and allows them; what stands still in the cell stays.
    """
    chosen = {}
    for name, domain in domains_of(facts.rule).items():
        values = (facts.fixed_hyper[name],) if name in facts.fixed_hyper else typical_values(name, domain)
        values = tuple(value for value in values if name != "lr" or value != 0.0) or values
        value = values[turn % len(values)]
        want = wanted.get(name, value)
        chosen[name] = want if name not in facts.fixed_hyper and contains(domain, want) else value
    return ordered(chosen, dict(facts.fixed_hyper))


def drawn(seed: int, regime: str, *where: int | str, scale: float = 1.0) -> Drawn:
    """Return data of ``regime`` whose seed comes from ``seed`` and the place it is used."""
    text = "/".join(str(part) for part in (seed, *where))
    return Drawn(regime, int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big"), scale)


def ordinary(
    facts: Facts,
    seed: int,
    *,
    shapes: tuple[tuple[int, ...], ...] = ((5,), (2, 3), ()),
    split: int | None = 2,
    steps: int = 3,
    turn: int = 0,
    regime: str = "normal",
    layouts: Mapping[int, str] | None = None,
    **wanted: float,
) -> Script:
    """Return a script of a few ordinary steps: every tensor has a gradient at each, and two groups differ.

    ``split`` is how many tensors the first group holds (None: all). Seeds differ from place to place.
    """
    laid = layouts or {}
    tensors = tuple(
        Tensor(shape, facts.dtype, drawn(seed, "normal", "base", index), laid.get(index, "contiguous"))
        for index, shape in enumerate(shapes)
    )
    first = tuple(range(len(shapes) if split is None else split))
    rest = tuple(range(len(first), len(shapes)))
    groups = [Group(first, hyper(facts, turn, **wanted))]
    if rest:
        groups.append(Group(rest, hyper(facts, turn + 1, **wanted)))
    return Script(
        tensors,
        tuple(groups),
        tuple(
            Step(tuple(drawn(seed, regime, "base", number, index) for index in range(len(shapes))))
            for number in range(steps)
        ),
        Quadratic(CURVATURE) if needs_objective(facts.rule) else None,
    )


def quiet(facts: Facts, seed: int) -> Script:
    """Return a script of three tensors: one at 0, one whose first gradient is 0 and without decay, one whose rate is 0.

    All other gradients are 1 and -1, and eps is what no dtype rounds to 0.
    """
    guarded = dict.fromkeys(GUARDS, GUARD)
    tensors = tuple(
        Tensor(shape, facts.dtype, drawn(seed, "normal", "quiet", index) if index else ZERO)
        for index, shape in enumerate(((5,), (4,), (2, 2)))
    )
    groups = (
        Group((0,), hyper(facts, 0, **guarded)),
        Group((1,), hyper(facts, 0, **guarded, **dict.fromkeys(DECAYS, 0.0))),
        Group((2,), hyper(facts, 0, **guarded, lr=0.0)),
    )
    signs = tuple(
        tuple(drawn(seed, "signs", "quiet", number, index) for index in range(len(tensors))) for number in range(3)
    )
    first = (signs[0][0], ZERO, signs[0][2])
    return Script(tensors, groups, tuple(Step(row) for row in (first, *signs[1:])))
