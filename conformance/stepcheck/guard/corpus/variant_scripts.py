"""Scripts of invocation variants: ways to call an optimizer, reload it and skip steps that do not change its update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.scripts.baseline_scripts import drawn
from stepcheck_reference.scripts.script import INVOCATIONS, Script, Step, Tensor

PLAIN = "plain"
RELOADS = ("saved", "copied", "pickled")
CALLS = INVOCATIONS[: INVOCATIONS.index("sparse") + 1]
"""The variants that are recorded: a step may be computed in another way. What comes later is about the process and the
constructor, which laws compare within one release."""
SKIPPED = "skipped"
_SHAPES = ((5,), (2, 3))
_STEPS = 4
_RATES = (None, 0.05, 0.0, 0.3)
_SEED = "ways"
"""Part of the seed of the numbers that baselines hold."""


def scripts(two_groups: Script) -> tuple[Script, ...]:
    """Return a small plain script and one for each variant, with the dtype and the groups of ``two_groups``.

    The first of these groups begins with tensor 0, whose dtype counts.
    """
    dtype = two_groups.tensors[0].dtype
    tensors = tuple(Tensor(shape, dtype, drawn(0, "normal", _SEED, index)) for index, shape in enumerate(_SHAPES))
    groups = tuple(replace(group, tensors=(index,)) for index, group in enumerate(two_groups.groups[: len(_SHAPES)]))
    steps = tuple(
        Step(tuple(drawn(0, "normal", _SEED, number, index) for index in range(len(_SHAPES))))
        for number in range(_STEPS)
    )
    return tuple(_variants(Script(tensors, groups, steps, label=PLAIN)))


def _variants(plain: Script) -> Iterator[Script]:
    yield plain
    rated = all("lr" in group.hyper for group in plain.groups)
    for variant in CALLS:
        if variant == "scheduler" and rated:
            yield replace(plain, steps=_scheduled(plain), invocation=(variant,), label=variant)
        elif rated or not variant.endswith("_lr"):
            yield replace(plain, invocation=(variant,), label=variant)
    for reload in RELOADS:
        steps = [replace(step, reload=reload if number == 2 else "") for number, step in enumerate(plain.steps)]
        yield replace(plain, steps=tuple(steps), label=reload)
    skipped = [replace(step, skip=number == 1) for number, step in enumerate(plain.steps)]
    yield replace(plain, steps=tuple(skipped), label=SKIPPED)


def _scheduled(plain: Script) -> tuple[Step, ...]:
    groups = range(len(plain.groups))
    return tuple(
        replace(step, hyper=() if rate is None else tuple((group, "lr", rate) for group in groups))
        for step, rate in zip(plain.steps, _RATES, strict=True)
    )
