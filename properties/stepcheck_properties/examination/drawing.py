"""Drawn scripts: Hypothesis as a generator, with a seed, a count of examples and no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import hypothesis
from hypothesis import HealthCheck, Phase

from stepcheck_properties.strategies.scripts import scripts
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script

CLIMBS = 10
"""Examples below which Hypothesis only generates: its engine does not optimize targets before the tenth example.

Below it the scripts do not depend on what the subject does, so that cells share them (``drawn``)."""

CEILING = 1e6
"""The largest ratio that Hypothesis is given as a target, which must be finite; beyond it nothing is left to find."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that drawn scripts depend on, as long as Hypothesis does not climb toward a target."""

    rule: Rule
    dtype: str
    companions: tuple[str, ...]
    fixed_hyper: tuple[tuple[str, float], ...]
    max_steps: int
    examples: int
    seed: int

    def draw(self, body: Callable[[Script], None]) -> None:
        """Call ``body`` with each script that Hypothesis draws.

        The budget is a number of examples and there is no deadline, so that the same seed draws the same scripts on
        any machine. Shrinking is left out (``phases``): Hypothesis' shrinker is bounded by time, ours by runs.
        """
        strategy = scripts(
            rule=self.rule,
            dtype=self.dtype,
            companions=self.companions,
            max_steps=self.max_steps,
            fixed_hyper=dict(self.fixed_hyper),
        )
        settings = hypothesis.settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            derandomize=False,
            backend="hypothesis",
            phases=(Phase.generate, Phase.target),
            suppress_health_check=list(HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
            print_blob=False,
        )
        with _without_local_constants():
            hypothesis.seed(self.seed)(settings(hypothesis.given(strategy)(body)))()

    def climb(self, ratio_of: Callable[[Script], float | None]) -> None:
        """Draw scripts, climbing toward the largest of ``ratio_of`` each; None ends the climb.

        An exception of ``ratio_of`` is raised once Hypothesis is done: inside, it would take it for a failed example.
        """
        raised: list[Exception] = []

        def body(script: Script) -> None:
            if raised:
                return
            try:
                ratio = ratio_of(script)
            except Exception as error:
                raised.append(error)
                return
            if ratio is not None:
                hypothesis.target(min(ratio, CEILING), label="error over radius")

        self.draw(body)
        if raised:
            raise raised[0]


@lru_cache(maxsize=8)
def drawn(drawing: Drawing) -> tuple[Script, ...]:
    """Return the scripts of ``drawing``, which cells that differ in mode alone share."""
    collected: list[Script] = []

    def collect(script: Script) -> None:
        collected.append(script)

    drawing.draw(collect)
    return tuple(collected)


@contextmanager
def _without_local_constants() -> Iterator[None]:
    """Keep Hypothesis from collecting constants out of imported modules, which it stores in the working directory.

    The strategies' draws do not depend on them (see ``strategies``). A Hypothesis version that has no such collection
    is left as it is.
    """
    from hypothesis.internal.conjecture import providers

    collect = getattr(providers, "_get_local_constants", None)
    constants = getattr(providers, "_local_constants", None)
    if collect is None or constants is None:
        yield
        return
    providers._get_local_constants = lambda: constants
    try:
        yield
    finally:
        providers._get_local_constants = collect
