"""Variants of a reference: the rules that its readings with other options are, kept by name in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepcheck.certification.references.reference_record import Reference
from stepcheck_reference.rule_names import parts_of

Options = frozenset[tuple[str, bool]]
"""Values of options, those that are not the reference's default."""


@dataclass(frozen=True)
class Brought:
    """A rule that a request has brought: its record, and its variants by the options that they were read with.

    ``options`` maps each option that can be switched to the reference's default, and ``names`` the options that are
    switched over to the name of the rule. ``slots`` says which argument of the reference each hyper-parameter is, and
    ``numbers`` has those values of its arguments that are part of the rule.
    """

    record: Reference
    options: Mapping[str, bool] = field(default_factory=dict)
    names: Mapping[Options, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


_brought: dict[str, Brought] = {}
"""By the name of each rule, variants among them."""


def remember(name: str, brought: Brought) -> None:
    """Keep ``brought`` under its own name and those of its variants."""
    for each in (name, *brought.names.values()):
        _brought[each] = brought


def brought_rule(rule: str | None) -> Brought | None:
    """Return what is known of the rule ``rule`` where a request has brought it, None where it is a listed one."""
    return None if rule is None else _brought.get(parts_of(rule)[0])


def options_of(rule: str) -> Mapping[str, bool]:
    """Return the options that can be switched in a brought rule, each with its value in ``rule``; else nothing."""
    brought = brought_rule(rule)
    if brought is None:
        return {}
    base, _ = parts_of(rule)
    switched = next((options for options, name in brought.names.items() if name == base), frozenset())
    return {**brought.options, **dict(switched)}


def with_option(rule: str, option: str, value: bool) -> str | None:
    """Return the name of a brought ``rule`` with an option at ``value``, None where it was not read so."""
    brought = brought_rule(rule)
    if brought is None:
        return None
    _, rewrites = parts_of(rule)
    wanted = {**options_of(rule), option: value}
    key = frozenset((name, is_on) for name, is_on in wanted.items() if is_on is not brought.options[name])
    found = brought.names.get(key)
    return None if found is None else "+".join((found, *rewrites))
