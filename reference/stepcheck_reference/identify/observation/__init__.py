"""Observation: which rule code steps as that cannot be read, by experiments that tell rules apart."""

from __future__ import annotations

from stepcheck_reference.identify.observation.experiment import ConstantRate, Experiment
from stepcheck_reference.identify.observation.observed import identify_observed

__all__ = ["ConstantRate", "Experiment", "identify_observed"]
