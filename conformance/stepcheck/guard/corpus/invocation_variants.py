"""Other ways to do one thing: the manners, interruptions and skipped steps that must not change what a step does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.scripts.baseline_scripts import drawn
from stepcheck_reference.scripts.script import INVOCATIONS, Script, Step, Tensor

PLAIN = "plain"
_SHAPES = ((5,), (2, 3))
_STEPS = 4
_RATES = (None, 0.05, 0.0, 0.3)
_INTERRUPTIONS = ("saved", "copied", "pickled")


def scripts(known: Script) -> tuple[Script, ...]:
    """Return small scripts with the first tensors' dtype and the groups of ``known``: a plain one, and one a way.

    ``known`` has two groups, the first of which begins with tensor 0.
    """
    dtype = known.tensors[0].dtype
    tensors = tuple(Tensor(shape, dtype, drawn(0, "normal", "ways", index)) for index, shape in enumerate(_SHAPES))
    groups = tuple(replace(group, tensors=(index,)) for index, group in enumerate(known.groups[: len(_SHAPES)]))
    steps = tuple(
        Step(tuple(drawn(0, "normal", "ways", number, index) for index in range(len(_SHAPES))))
        for number in range(_STEPS)
    )
    return tuple(_ways(Script(tensors, groups, steps, label=PLAIN)))


def _ways(plain: Script) -> Iterator[Script]:
    yield plain
    rated = all("lr" in group.hyper for group in plain.groups)
    for variant in INVOCATIONS:
        if variant == "scheduler" and rated:
            yield replace(plain, steps=_scheduled(plain), invocation=(variant,), label=variant)
        elif rated or not variant.endswith("_lr"):
            yield replace(plain, invocation=(variant,), label=variant)
    for how in _INTERRUPTIONS:
        steps = [replace(step, reload=how if number == 2 else "") for number, step in enumerate(plain.steps)]
        yield replace(plain, steps=tuple(steps), label=how)
    skipped = [replace(step, skip=number == 1) for number, step in enumerate(plain.steps)]
    yield replace(plain, steps=tuple(skipped), label="skipped")


def _scheduled(plain: Script) -> tuple[Step, ...]:
    groups = range(len(plain.groups))
    return tuple(
        replace(step, hyper=() if rate is None else tuple((group, "lr", rate) for group in groups))
        for step, rate in zip(plain.steps, _RATES, strict=True)
    )
