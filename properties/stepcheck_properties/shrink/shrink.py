"""The reducer: from a script that breaks a law to the smallest one that still breaks it.

Deterministic: candidates come in a fixed order, each is run on the subject and judged again, and the
number of runs is bounded. A candidate counts only if it breaks the same law in the same output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from stepcheck_properties.harness import Harness
from stepcheck_properties.law import Breach, Law
from stepcheck_properties.scripts.rearranged import only
from stepcheck_properties.shrink.simple_numbers import ONE, ZERO, effort, rounded, simpler_data
from stepcheck_properties.shrink.smaller_scripts import (
    datum,
    from_step,
    of_element,
    of_first_elements,
    places,
    retensored,
    with_datum,
    with_steps,
)
from stepcheck_properties.strategies.hyper_parameters import domains_of, holds, typical_values
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Literal, Script
from stepcheck_reference.scripts.trajectory import Trajectory

AvoidTrigger = Callable[[Script], Script]
HANG_RUNS = 2
"""Runs spent on a hang, each of which lasts until the worker's patience ends."""
CRASH_RUNS = 40
"""Runs spent on a crash, each of which costs a process."""
LAID_OUT: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "sliced": ((1,), (2,), (3,), (8,), (2, 2)),
    "transposed": ((1, 2), (2, 2), (2, 3), (2, 2, 2)),
    "channels_last": ((1, 2, 1, 2), (1, 2, 2, 2), (2, 2, 2, 2)),
}
"""The smallest shapes that show each layout, tried where a contiguous tensor does not break the law."""
SINGLE_STEPS = 12
"""Steps up to which gradients are dropped and simplified one by one."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """The smallest script found, how it breaks the law, and how many runs it took."""

    script: Script
    breach: Breach
    runs: int


def reduce(
    *,
    harness: Harness,
    script: Script,
    law: Law,
    breach: Breach,
    budget: int,
    fixed_hyper: Mapping[str, float] | None = None,
    avoid_trigger: AvoidTrigger | None = None,
) -> Reduction:
    """Return the smallest script that breaks ``law`` as ``breach`` does, found in at most ``budget`` runs.

    ``harness`` has the subject, ``fixed_hyper`` names hyper-parameters to leave alone. Scripts that ``avoid_trigger``
    would change break for a reason already known, and are passed over. Where nothing smaller breaks, the script comes
    back as it was.
    """
    if breach.output == "hung":
        budget = min(budget, HANG_RUNS)
    elif breach.output == "crashed":
        budget = min(budget, CRASH_RUNS)
    search = _Search(harness, law, script, breach, budget, frozenset(fixed_hyper or ()), avoid_trigger)
    search.finish()
    return Reduction(search.script, search.breach, search.runs)


class _Search:
    """The best script so far, and the moves that try to better it."""

    def __init__(
        self,
        harness: Harness,
        law: Law,
        script: Script,
        breach: Breach,
        budget: int,
        held: frozenset[str],
        avoid_trigger: AvoidTrigger | None,
    ) -> None:
        self.harness, self.law, self.avoid_trigger = harness, law, avoid_trigger
        self.script, self.breach, self.budget, self.held = script, breach, budget, held
        self.trajectory: Trajectory | None = None
        self.runs = 0
        self.tried = {repr(script)}

    def finish(self) -> None:
        self.cut_steps()
        self.one_tensor()
        self.one_element()
        self.last_steps()
        self.drop_events()
        self.drop_steps()
        before = None
        while before != self.script and self.runs < self.budget:
            before = self.script
            self.simple_data()
            self.simple_hyper()
            if before != self.script:
                self.cut_steps()
                self.one_element()
                self.last_steps()

    def attempt(self, candidate: Script) -> bool:
        """Whether ``candidate`` is new and breaks the law too; then it is the best so far."""
        key = repr(candidate)
        if key in self.tried or self.runs >= self.budget:
            return False
        self.tried.add(key)
        if self.avoid_trigger is not None and self.avoid_trigger(candidate) != candidate:
            return False
        if self.law.reference is not None and self.law.reference(candidate, self.harness.facts) is None:
            return False
        self.runs += 1
        trajectory = self.harness.run(candidate)
        found = self.harness.breach(self.law, self.breach.output, candidate, trajectory)
        if found is None:
            return False
        self.script, self.breach, self.trajectory = candidate, found, trajectory
        return True

    def first(self, candidates: Iterable[Script]) -> bool:
        """Whether one of ``candidates`` breaks the law too; the first that does is taken."""
        return any(self.attempt(candidate) for candidate in candidates)

    # Moves, in the order they are made.

    def cut_steps(self) -> None:
        """Keep as few of the first steps as possible."""
        end = min(max(self.breach.step, 1), len(self.script.steps))
        if self.breach.output in ("hung", "crashed"):
            self.attempt(self.script.until(self.breach.step))
            return
        script = self.script
        lengths = [length for length in (1, 2, 3, 4, 6, 8, 16, 32, 64, 128) if length < end]
        self.first(script.until(length) for length in (*lengths, end) if length < len(script.steps))

    def one_tensor(self) -> None:
        """Keep one tensor, or else drop those that can go."""
        count = len(self.script.tensors)
        if count < 2:
            return
        order = sorted(range(count), key=lambda index: (index != self.breach.tensor, index))
        script = self.script
        if self.first(only(script, (index,)) for index in order):
            return
        for index in reversed(range(count)):
            if len(self.script.tensors) > 1:
                kept = tuple(other for other in range(len(self.script.tensors)) if other != index)
                self.attempt(only(self.script, kept))

    def one_element(self) -> None:
        """Keep the worst element of the tensor that breaks, or else as few like it as possible."""
        which = self.breach.tensor
        tensor = self.script.tensors[which]
        width = 2 if is_complex(tensor.dtype) else 1
        if tensor.size == 0 or (tensor.size == width and tensor.layout == "contiguous"):
            return
        element = (self.breach.deviation.index if self.breach.deviation is not None else 0) // width
        picked = of_element(self.script, which, element, ())
        if self.attempt(picked) or self.attempt(of_element(self.script, which, element, (1,))):
            return
        elements = tensor.size // width
        whole = self.script
        few, many = 1, 2
        while many < elements and not self.attempt(of_element(whole, which, element, (many,))):
            few, many = many, 2 * many
        if many < elements or self.attempt(of_element(whole, which, element, (elements,))):
            many = min(many, elements)
            while many - few > 1:
                middle = (few + many) // 2
                if self.attempt(of_element(whole, which, element, (middle,))):
                    many = middle
                else:
                    few = middle
            return
        for shape in LAID_OUT.get(tensor.layout, ()):
            if self.attempt(of_element(whole, which, element, shape, tensor.layout)):
                return
            if math.prod(shape) <= elements and self.attempt(of_first_elements(whole, which, shape)):
                return
        if self.attempt(of_element(whole, which, element, tensor.shape, tensor.layout)):
            return
        self.attempt(retensored(self.script, which, replace(tensor, layout="contiguous")))

    def last_steps(self) -> None:
        """Drop steps from the start, beginning from the parameters observed there."""
        length = len(self.script.steps)
        if length < 2 or self.runs >= self.budget:
            return
        if self.trajectory is None:
            self.runs += 1
            self.trajectory = self.harness.run(self.script)
        if self.trajectory.steps < length - 1:
            return
        script, trajectory = self.script, self.trajectory
        self.first(
            from_step(script, trajectory, length - kept)
            for kept in (1, 2, 3, 4, 8, 16, 32, 64, length - 1)
            if kept < length
        )

    def drop_events(self) -> None:
        """Drop reloads, changes of hyper-parameters and overwrites, all of a kind or one by one."""
        for kind, nothing in (("reload", ""), ("hyper", ()), ("overwrite", ())):
            there = [number for number, step in enumerate(self.script.steps) if getattr(step, kind)]
            if not there:
                continue
            gone = with_steps(self.script, there, **{kind: nothing})
            if kind == "hyper":
                final = self.script.hyper_at(len(self.script.steps))
                groups = tuple(
                    replace(group, hyper=hyper) for group, hyper in zip(self.script.groups, final, strict=True)
                )
                if self.attempt(replace(gone, groups=groups)):
                    continue
            if self.attempt(gone) or len(there) == 1:
                continue
            for number in there[:SINGLE_STEPS]:
                self.attempt(with_steps(self.script, [number], **{kind: nothing}))

    def drop_steps(self) -> None:
        """Drop single steps."""
        if len(self.script.steps) > SINGLE_STEPS:
            return
        for number in reversed(range(len(self.script.steps))):
            steps = self.script.steps
            if number < len(steps) and len(steps) > 1:
                self.attempt(replace(self.script, steps=steps[:number] + steps[number + 1 :]))

    def simple_data(self) -> None:
        """Replace gradients, initial and overwritten parameters by simpler numbers."""
        self.same_gradients()
        there = list(places(self.script))
        if len(there) > SINGLE_STEPS * 2:
            there = there[:2] + there[-2:]
        for place in there:
            for number in simpler_data(datum(self.script, place)):
                if self.attempt(with_datum(self.script, place, number)):
                    break

    def same_gradients(self) -> None:
        """Use one number as every gradient."""
        gradients = [data for step in self.script.steps for data in step.gradients if data is not None]
        if len(gradients) < 2 or all(data == gradients[0] for data in gradients):
            return
        last = [data for data in gradients if isinstance(data, Literal) and len(data.values) == 1]
        choices = [ONE, *(last[-1:]), ZERO]
        script = self.script
        self.first(
            replace(
                script,
                steps=tuple(
                    replace(step, gradients=tuple(None if data is None else choice for data in step.gradients))
                    for step in script.steps
                ),
            )
            for choice in choices
        )

    def simple_hyper(self) -> None:
        """Replace hyper-parameters by simpler values of their domains, in every group."""
        domains = domains_of(self.harness.rule)
        for number in range(len(self.script.groups)):
            for name in self.script.groups[number].hyper:
                if name in self.held or name not in domains:
                    continue
                value = self.script.groups[number].hyper[name]
                choices = {1.0, 0.5, *typical_values(name, domains[name])[:3], *rounded(value)}
                simpler = sorted(
                    (choice for choice in choices if effort(choice) < effort(value) and holds(domains[name], choice)),
                    key=effort,
                )
                for choice in simpler:
                    group = self.script.groups[number]
                    changed = replace(group, hyper={**group.hyper, name: choice})
                    groups = (*self.script.groups[:number], changed, *self.script.groups[number + 1 :])
                    if self.attempt(replace(self.script, groups=groups)):
                        break
