"""Baseline scripts: a few ordinary steps, from which laws with a reference run start."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from stepcheck_properties.law import Facts
from stepcheck_properties.profile import Profile
from stepcheck_properties.strategies.hyper_parameters import hyper_choice
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Drawn, Group, Literal, Quadratic, Script, Step, Tensor

CURVATURE = 0.75
"""The curvature of the objective where a rule needs one; a curvature of 1 would hide a rounding of the gradient."""
ZERO = Literal((0.0,))
DECAYS = ("weight_decay", "lambd")
"""Hyper-parameters that pull parameters toward 0 whatever their gradients."""
EPSILONS, LARGE_EPS = ("eps", "eps_root"), 2.0**-6
"""What keeps divisors from 0, and a value of it that no dtype rounds to 0 and that keeps quotients small."""


def hyper(facts: Facts, turn: int = 0, **preferred: float) -> dict[str, float]:
    """Return the ``turn``-th choice of hyper-parameters, 0 being the plainest; never a learning rate of 0.

    ``preferred`` values replace it where the rule has the hyper-parameter, its domain contains the value and the cell
    does not fix another.
    """
    return hyper_choice(facts.rule, facts.fixed_hyper, turn, preferred)


def drawn(seed: int, regime: str, *where: int | str, scale: float = 1.0) -> Drawn:
    """Return data of ``regime`` whose seed is a hash of ``seed`` and the place where the data is used."""
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
    **preferred: float,
) -> Script:
    """Return a script of a few ordinary steps: every tensor has a gradient at each, and two groups differ.

    ``split`` is the number of tensors in the first group (None: all). Every tensor and step has a seed of its own.
    """
    layouts = layouts or {}
    tensors = tuple(
        Tensor(shape, facts.dtype, drawn(seed, "normal", "base", index), layouts.get(index, "contiguous"))
        for index, shape in enumerate(shapes)
    )
    first = tuple(range(len(shapes) if split is None else split))
    rest = tuple(range(len(first), len(shapes)))
    groups = [Group(first, hyper(facts, turn, **preferred))]
    if rest:
        groups.append(Group(rest, hyper(facts, turn + 1, **preferred)))
    return Script(
        tensors,
        tuple(groups),
        tuple(
            Step(tuple(drawn(seed, regime, "base", number, index) for index in range(len(shapes))))
            for number in range(steps)
        ),
        Quadratic(CURVATURE) if needs_objective(facts.rule) else None,
    )


def ordinary_script(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    """Yield one ordinary script: the ``scripts`` of laws that need no other."""
    yield ordinary(facts, seed)


def resting(facts: Facts, seed: int) -> Script:
    """Return a script of three tensors: one at 0, one with a first gradient of 0 and no decay, one with rate 0.

    All other gradients are 1 and -1, and eps is large enough for every dtype.
    """
    eps = dict.fromkeys(EPSILONS, LARGE_EPS)
    tensors = tuple(
        Tensor(shape, facts.dtype, drawn(seed, "normal", "quiet", index) if index else ZERO)
        for index, shape in enumerate(((5,), (4,), (2, 2)))
    )
    groups = (
        Group((0,), hyper(facts, 0, **eps)),
        Group((1,), hyper(facts, 0, **eps, **dict.fromkeys(DECAYS, 0.0))),
        Group((2,), hyper(facts, 0, **eps, lr=0.0)),
    )
    signs = tuple(
        tuple(drawn(seed, "signs", "quiet", number, index) for index in range(len(tensors))) for number in range(3)
    )
    first = (signs[0][0], ZERO, signs[0][2])
    return Script(tensors, groups, tuple(Step(row) for row in (first, *signs[1:])))


def initial_hyper(script: Script, tensor: int) -> Mapping[str, float]:
    """Return the hyper-parameters that ``tensor`` starts with."""
    return next(group.hyper for group in script.groups if tensor in group.tensors)


def is_uninterrupted(script: Script) -> bool:
    """Whether every tensor has a gradient at every step, and nothing is overwritten, skipped or reloaded."""
    return not any(step.overwrite or step.skip or step.reload or None in step.gradients for step in script.steps)
