"""Every rule has code that follows it and, unless it is a variant of another, a wrong optimizer that claims it."""

from __future__ import annotations

import re

import pytest

from house.sources import ROOT
from planted import RIGHT, WRONG, Planted
from stepcheck_implementations.adapters.libraries import ALL as LIBRARIES
from stepcheck_properties.laws import ALL as LAWS
from stepcheck_reference.rules import ALL, find

NAMES = [rule.name for rule in ALL]
EXAMPLES = (ROOT / "examples" / "handwritten.py").read_text(encoding="utf-8")


def base(rule: str) -> str:
    """Return the name of a rule without its rewrites."""
    return rule.partition("+")[0]


FOLLOWED = {
    *(base(entry.claims) for entry in RIGHT),
    *(base(rule) for rule in re.findall(r"[Ff]ollows ``([\w+]+)``", EXAMPLES)),
    *(
        base(configuration.rule)
        for library in LIBRARIES
        for adapter in library.adapters
        for configuration in adapter.configurations
        if configuration.rule
    ),
}
"""Rules that a control, an example or a configuration of a library follows."""


def is_variant(name: str) -> bool:
    """Whether ``name`` is another rule's with an addition, as adam_eps_hat is adam's: that rule is its wrong one."""
    return any(name.startswith(f"{other}_") for other in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_is_followed_by_code_that_is_certified(name: str) -> None:
    assert name in FOLLOWED, (
        f"nothing follows {name}: write a class into tests/planted/rules/ whose docstring is "
        f"'Follows ``{name}``: what it is.'"
    )


@pytest.mark.parametrize("name", [name for name in NAMES if not is_variant(name)])
def test_a_rule_is_claimed_by_a_wrong_optimizer(name: str) -> None:
    assert name in {base(entry.claims) for entry in WRONG}, (
        f"nothing shows that {name} can fail: write a class into tests/planted/rules/ that nearly follows it, whose "
        f"docstring is 'Claims ``{name}``, breaks SC101: what is wrong.'"
    )


@pytest.mark.parametrize("entry", [*WRONG, *RIGHT], ids=lambda entry: entry.name)
def test_a_planted_class_names_a_rule_and_laws_that_exist(entry: Planted) -> None:
    assert find(entry.claims).name == entry.claims
    assert entry.breaks <= {law.code for law in LAWS}
