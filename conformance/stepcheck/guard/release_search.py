"""Bisection: which release changed a cell, in the fewest tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stepcheck.guard.environments.environments import Unavailable


@dataclass(frozen=True, slots=True)
class Found:
    """The last version that is known to be good and the first after it that is known to be bad.

    ``tried`` are the versions that were compared, in that order; ``skipped`` says of each that could not be, why, and
    ``between`` are those of them that lie between ``good`` and ``bad``.
    """

    good: str
    bad: str
    tried: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether it is ``bad`` itself that changed the cell, and not perhaps a version in ``between``."""
        return not self.between


def first_bad(
    versions: Sequence[str], differs: Callable[[str], bool], cheap: Callable[[str], bool] = lambda version: False
) -> Found:
    """Return where ``versions`` turn from good to bad; the first is known to be good, the last to be bad.

    Where all are available it asks ``differs`` at most ⌈log₂(n − 1)⌉ times for n versions. Of the versions that keep to
    that bound it tries one that is ``cheap``, and among these the one nearest to the middle. A version for which
    ``differs`` raises Unavailable is skipped. Where versions turn more than once, one of the turns is found. Raises
    ValueError for fewer than two versions.
    """
    if len(versions) < 2:
        raise ValueError(f"versions={list(versions)}, but should be at least a good one and a bad one")
    good, bad = 0, len(versions) - 1
    tried: list[str] = []
    skipped: dict[str, str] = {}
    while inside := [place for place in range(good + 1, bad) if versions[place] not in skipped]:
        place = inside[_chosen([cheap(versions[place]) for place in inside])]
        try:
            turned = differs(versions[place])
        except Unavailable as error:
            skipped[versions[place]] = error.reason
            continue
        tried.append(versions[place])
        good, bad = (good, place) if turned else (place, bad)
    return Found(versions[good], versions[bad], tuple(tried), skipped, tuple(versions[good + 1 : bad]))


def _chosen(cheap: Sequence[bool]) -> int:
    """Return which of the versions between good and bad to try next, given which are cheap.

    With k of them k + 1 places are possible. Trying number i, from 0, leaves i + 1 places where it is bad and k − i
    where it is good, and neither may be more than half of the power of two that k + 1 is rounded up to.
    """
    count = len(cheap)
    half = 1 << (count.bit_length() - 1)
    allowed = [place for place in range(count) if place + 1 <= half and count - place <= half]
    return min(allowed, key=lambda place: (not cheap[place], abs(2 * place + 1 - count), place))
