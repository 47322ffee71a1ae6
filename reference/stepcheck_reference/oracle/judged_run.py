"""Judged run: one script with its trajectory, what is observed of it, and the judgement so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.extended import Backend
from stepcheck_reference.oracle.judgement import Deviation, Field, Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory


class JudgedRun:
    """One script with its trajectory and its judgement so far.

    ``judged`` are the indices of the tensors to judge; ``observed`` the elementwise states and ``observed_scalars`` the
    scalar states that the trajectory has of all of them; ``hyper`` each group's hyper-parameters at each finished step.
    """

    def __init__(
        self,
        rule: Rule,
        script: Script,
        trajectory: Trajectory,
        arithmetics: Mapping[str, Arithmetic],
        only: str | None,
        wide: Backend,
        watch: Collection[Real] = (),
        fields: bool = False,
    ) -> None:
        self.rule, self.program = rule, program_of(rule)
        self.script, self.trajectory, self.arithmetics, self.wide = script, trajectory, arithmetics, wide
        self.watch, self.fields = watch, fields
        objective = None if script.objective is None or not script.objective.by_closure else script.objective
        if self.program.needs_objective != (objective is not None):
            needs = "needs a script with an objective" if objective is None else "takes gradients, not an objective"
            raise ValueError(f"rule {rule.name} {needs}")
        self.curvature = () if objective is None else (objective.curvature,)
        self.judged = [i for i, tensor in enumerate(script.tensors) if only in (None, tensor.dtype)]
        stepped = [trajectory.traces[i] for i in self.judged if self._has_step(i)]
        self.observed, self.observed_scalars = (
            tuple(
                name
                for name in names
                if name in trajectory.observed and all(_has_state(trace, name) for trace in stepped)
            )
            for names in (self.program.states, self.program.scalar_states)
        )
        self.hyper = self._hyper_by_step()
        self.stepwise = set(self.observed) >= set(self.program.states)
        self.judgement = Judgement("stepwise" if self.stepwise else "theta_only")

    def _has_step(self, tensor: int) -> bool:
        done = self.script.steps[: self.trajectory.steps]
        return any(step.applied[tensor] is not None for step in done)

    def _hyper_by_step(self) -> list[tuple[dict[str, float], ...]]:
        groups = tuple(dict(group.hyper) for group in self.script.groups)
        if not any(step.hyper for step in self.script.steps):
            return [groups] * self.trajectory.steps
        return [self.script.hyper_at(number) for number in range(1, self.trajectory.steps + 1)]

    def group_of(self, tensor: int) -> int:
        """Return the index of the group that ``tensor`` is in."""
        return next(i for i, group in enumerate(self.script.groups) if tensor in group.tensors)

    def initial(self, name: str, group: int, step: int = 0) -> float:
        """Return the initial value of a state that is created at ``step``; 0: with the optimizer itself."""
        symbol = next(symbol for symbol in (*self.rule.states, *self.rule.scalars) if symbol.name == name)
        value: Any = {**self.rule.init, **self.rule.scalars}[symbol]
        hyper = self.hyper[step - 1][group] if step else self.script.groups[group].hyper
        free = getattr(value, "free_symbols", ())
        return float(value.subs({s: hyper[s.name] for s in free})) if free else float(value)

    def record(self, deviation: Deviation, beyond: int) -> None:
        """Store ``deviation`` if it is the worst of its output; count ``beyond`` reals as broken."""
        worst = self.judgement.worst.get(deviation.output)
        if worst is None or deviation.ratio > worst.ratio:
            self.judgement.worst[deviation.output] = deviation
        if beyond:
            self.judgement.broken[deviation.output] = self.judgement.broken.get(deviation.output, 0) + beyond

    def field(self, name: str, tensor: int, size: int) -> Field:
        """Return where the ratios and radii of one output of a tensor with ``size`` reals are stored."""
        key = (name, tensor)
        if key not in self.judgement.fields:
            self.judgement.fields[key] = Field.blank(self.trajectory.steps, size)
        return self.judgement.fields[key]


def _has_state(trace: Trace, name: str) -> bool:
    return name in trace.present and bool(np.any(trace.present[name]))
