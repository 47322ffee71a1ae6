"""Compensation found by its values: a state that makes narrow parameters follow the rule more closely than they can."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER
from stepcheck_implementations.driver.observing.compensated import NEAR, unit_in_last_place
from stepcheck_implementations.matching.claim import Rows
from stepcheck_implementations.matching.state_matching import StateLeaf

_CLOSER = 0.5
"""The share of the parameters' error that may be left; it identifies a state and judges nothing."""


def compensation(rule: Rows, theta: Rows, leaves: Mapping[str, StateLeaf]) -> dict[str, str]:
    """Return {"compensation" or "master": path} of the leaf that holds what bfloat16 parameters ``theta`` lack.

    ``rule`` are the parameters of the rule after the same steps. Every element of the leaf has to be within a rounding
    of the parameter, most of them have to differ from it, and with it the error is a fraction of what it is without.
    """
    if len(rule) != len(theta) or not theta or not np.isfinite(theta).all():
        return {}
    expected, narrow = np.array(rule)[:, : len(theta[0])], np.array(theta)
    near = NEAR * unit_in_last_place(narrow, "bfloat16")
    error = np.abs(narrow - expected).mean()
    for path, leaf in leaves.items():
        values = np.array(leaf.rows)
        if leaf.scalar or values.shape != narrow.shape or not np.isfinite(values).all():
            continue
        for name, beyond in ((COMPENSATION, values), (MASTER, values - narrow)):
            kept = (beyond != 0.0).mean() > _CLOSER and (np.abs(beyond) <= near).all()
            if kept and np.abs(narrow + beyond - expected).mean() < _CLOSER * error:
                return {name: path}
    return {}
