"""Moves on steps: fewer of them, from the end, from the start and one by one, and without events."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_properties.shrink.search import SINGLE_STEPS, Search
from stepcheck_properties.shrink.smaller_scripts import from_step, with_steps

EVENTS: tuple[tuple[str, object], ...] = (
    ("reload", ""),
    ("adds_groups", ()),
    ("hyper", ()),
    ("overwrite", ()),
    ("zero_grad", ""),
    ("grad_scale", 0.0),
    ("closure", False),
    ("default_dtype", ""),
)
"""Events of a step, each with the value that means none."""


def cut_steps(search: Search) -> None:
    """Keep as few of the first steps as possible."""
    script, breach = search.script, search.breach
    if breach.output in ("hung", "crashed"):
        search.attempt(script.until(breach.step))
        return
    end = min(max(breach.step, 1), len(script.steps))
    lengths = [length for length in (1, 2, 3, 4, 6, 8, 16, 32, 64, 128) if length < end]
    search.first(script.until(length) for length in (*lengths, end) if length < len(script.steps))


def keep_last_steps(search: Search) -> None:
    """Drop steps from the start, beginning from the parameters observed there."""
    length = len(search.script.steps)
    if length < 2 or search.runs >= search.budget:
        return
    script, trajectory = search.script, search.run()
    if trajectory is None or trajectory.steps < length - 1:
        return
    search.first(
        from_step(script, trajectory, length - last)
        for last in (1, 2, 3, 4, 8, 16, 32, 64, length - 1)
        if last < length
    )


def drop_events(search: Search) -> None:
    """Drop reloads, changes of hyper-parameters and other events, all of a kind or one by one."""
    for kind, nothing in EVENTS:
        numbers = [number for number, step in enumerate(search.script.steps) if getattr(step, kind)]
        if not numbers:
            continue
        without = with_steps(search.script, numbers, **{kind: nothing})
        if kind == "hyper":
            final = search.script.hyper_at(len(search.script.steps))
            groups = tuple(
                replace(group, hyper=hyper) for group, hyper in zip(search.script.groups, final, strict=True)
            )
            if search.attempt(replace(without, groups=groups)):
                continue
        if search.attempt(without) or len(numbers) == 1:
            continue
        for number in numbers[:SINGLE_STEPS]:
            search.attempt(with_steps(search.script, [number], **{kind: nothing}))


def drop_steps(search: Search) -> None:
    """Drop single steps."""
    if len(search.script.steps) > SINGLE_STEPS:
        return
    for number in reversed(range(len(search.script.steps))):
        steps = search.script.steps
        if number < len(steps) and len(steps) > 1:
            search.attempt(replace(search.script, steps=steps[:number] + steps[number + 1 :]))
