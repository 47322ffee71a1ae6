"""Every rule with every applicable ordered choice of up to two rewrites, by name."""

from __future__ import annotations

import itertools

from stepcheck_reference import rewrites
from stepcheck_reference.rewrites import RewriteError
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find


def _combinations() -> dict[str, Rule]:
    found = {rule.name: rule for rule in ALL}
    for rule in ALL:
        for length in (1, 2):
            for chosen in itertools.permutations([rewrite.name for rewrite in rewrites.ALL], length):
                name = "+".join((rule.name, *chosen))
                try:
                    found[name] = find(name)
                except RewriteError:
                    continue
    return found


COMBINATIONS = _combinations()
