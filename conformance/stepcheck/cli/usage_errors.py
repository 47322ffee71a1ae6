"""Usage errors: the exceptions of a wrong request, recognized without importing the modules that raise them."""

from __future__ import annotations

import sys

HOMES = {
    "stepcheck.certification.request": "WrongRequest",
    "stepcheck.guard.environments.environment": "Unavailable",
    "stepcheck_reference.rule": "OutOfDomain",
    "stepcheck_reference.rules": "UnknownRule",
    "stepcheck_reference.rewrites": "RewriteError",
    "stepcheck_implementations.driver.target": "TargetError",
}
"""The module of each class of them, and its name there."""


def is_refusal(error: Exception) -> bool:
    """Whether ``error`` says that the request is wrong; looks only at classes that are imported already."""
    kinds = tuple(
        getattr(sys.modules[home], name)
        for home, name in HOMES.items()
        if home in sys.modules and hasattr(sys.modules[home], name)
    )
    return isinstance(error, kinds)
