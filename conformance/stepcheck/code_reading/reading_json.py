"""A reading as JSON values: equations as text that SymPy parses, with the names that they use."""

from __future__ import annotations

from typing import Any

from stepcheck.code_reading.verification import Verification
from stepcheck_reference.alphabet import theta
from stepcheck_reference.reading.reading import Reading


def to_dict(reading: Reading, verification: Verification) -> dict[str, Any]:
    """Return a reading and its verification as JSON values; expressions are SymPy's text."""
    return {
        "target": reading.target,
        "configuration": reading.configuration,
        "step": {symbol.name: str(equation) for symbol, equation in reading.step.items()},
        "states": {
            symbol.name: {
                "at": reading.names.get(symbol, symbol.name),
                "init": str(reading.init[symbol]),
                "scalar": symbol in reading.scalars,
            }
            for symbol in reading.step
            if symbol != theta
        },
        "hyper": {
            symbol.name: {"argument": reading.slots.get(symbol, symbol.name), "value": value}
            for symbol, value in reading.hyper.items()
        },
        "paths": [
            {
                "t": path.t,
                "conditions": [str(condition) for condition in path.conditions],
                "not_read": list(path.opaque),
            }
            for path in reading.paths
        ],
        "complete": reading.complete,
        "verified": verification.verified,
        "compared": verification.compared,
        "reason": verification.reason,
    }
