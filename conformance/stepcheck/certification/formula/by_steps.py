"""Observation: which rule code steps as that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepcheck.certification.runner import Runner
from stepcheck_implementations.driver.target import TargetError
from stepcheck_reference.identify import Identification, identify_reading
from stepcheck_reference.identify.observation import ConstantRate, Experiment, identify_observed
from stepcheck_reference.reading.reading import Reading


def by_steps(
    reading: Reading, observer: Runner, configuration: str, mode: str, options: Mapping[str, Any]
) -> Identification:
    """Return which rule the code of ``reading`` steps as, of which something was not read.

    Where it takes no steps in float64, nothing is known of it.
    """

    def observe(experiment: Experiment) -> list[list[float]]:
        slots = reading.slots
        plain = {
            "numbers": {slots[symbol]: value for symbol, value in experiment.numbers},
            "rate": slots[experiment.rate] if experiment.rate is not None else "",
            "rates": list(experiment.rates),
            "begin": list(experiment.begin),
            "gradients": [list(row) for row in experiment.gradients],
        }
        try:
            rows = observer.observe(
                reading.target, configuration=configuration, mode=mode, options=options, experiments=[plain]
            )
        except TargetError:
            if experiment.rate is None:
                raise
            raise ConstantRate from None
        return rows[0]

    try:
        return identify_observed(reading, observe)
    except TargetError:
        return identify_reading(reading)
