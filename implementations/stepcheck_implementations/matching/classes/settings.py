"""Settings: where the hyper-parameters of a class without an adapter are kept, to be changed between steps."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.matching.hyper_matching import Matched
from stepcheck_implementations.matching.trial import Trial


def settings_of(matched: Matched, chosen: Trial, values: Mapping[str, float]) -> dict[str, str]:
    """Return where each hyper-parameter can be changed after construction: the path that has its name, or its value.

    ``values`` are those of the trial.
    """
    optimizer, location = chosen.subject, chosen.locations[0]
    table = optimizer.param_groups[0] if state_access.is_optimizer(optimizer) else getattr(optimizer, "__dict__", {})
    leaves = {**state_access.all_leaves(optimizer, [location])}
    if state_access.is_optimizer(optimizer):
        leaves |= {key: [value] for key, value in table.items() if isinstance(value, (int, float))}
    settings: dict[str, str] = {}
    for name, slot in matched.slots.items():
        stem, bracket, rest = slot.partition("[")
        if stem in table:
            listed = state_access.is_optimizer(optimizer) and chosen.takes != "groups"
            settings[name] = f".param_groups[0]['{stem}']{bracket}{rest}" if listed else slot
            continue
        same = [path for path, (value, *_) in leaves.items() if isinstance(value, float) and value == values[name]]
        if len(same) == 1:
            settings[name] = same[0]
    return settings
