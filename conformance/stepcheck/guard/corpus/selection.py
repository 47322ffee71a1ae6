"""Selections: the targets, modes, dtypes and devices to record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.certification.request import requested

TORCH = "torch.optim"


@dataclass(frozen=True, slots=True)
class Selection:
    """The targets to record, each with the rule that it claims, and which of their cells.

    Empty ``modes`` and ``dtypes`` mean all except those that take seconds a script.
    """

    targets: tuple[tuple[str, str | None], ...] = ((TORCH, None),)
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


EVERYTHING = Selection()
"""Every class of torch.optim, on every device."""


def select(
    targets: Iterable[str] = (), *, modes: Sequence[str] = (), dtypes: Sequence[str] = (), devices: Sequence[str] = ()
) -> Selection:
    """Return a selection; ``targets`` are as on the command line, as in "torch.optim.AdamW".

    "mine.py:Mine=adamw" says which rule a target claims. Without targets it is torch.optim. Raises WrongRequest for an
    unknown mode or dtype.
    """
    targets = (targets,) if isinstance(targets, str) else targets
    checked = requested(TORCH, modes=modes, dtypes=dtypes, devices=devices)
    pairs = tuple((name, rule or None) for name, _, rule in (entry.partition("=") for entry in targets))
    return Selection(pairs or EVERYTHING.targets, checked.modes, checked.dtypes, checked.devices)
