"""Identification: which rule the equations are that were read of code, by value and then by proof."""

from __future__ import annotations

from stepcheck_reference.identify.conclusion import Identification
from stepcheck_reference.identify.identification import identify_reading

__all__ = ["Identification", "identify_reading"]
