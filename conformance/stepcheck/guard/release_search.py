"""Bisection: the first bad release, in the fewest comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stepcheck.guard.environments.environment import Unavailable


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The last version that is known to be good, and the first after it that is known to be bad.

    ``tried`` are the versions that were compared, in that order; ``skipped`` says why others could not be, and
    ``between`` are those of them that lie between ``good`` and ``bad``.
    """

    good: str
    bad: str
    tried: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether ``bad`` itself made the change, rather than perhaps a version in ``between``."""
        return not self.between


def first_bad(
    versions: Sequence[str], differs: Callable[[str], bool], cheap: Callable[[str], bool] = lambda version: False
) -> SearchResult:
    """Return where ``versions`` turn from good to bad; the first is known to be good, the last to be bad.

    If all are available it calls ``differs`` at most ⌈log₂(n − 1)⌉ times for n versions. Of the versions that keep to
    that bound it tries a ``cheap`` one, and among these the one nearest to the middle. A version for which ``differs``
    raises Unavailable is skipped. If versions turn more than once, one of the turns is found. Raises ValueError for
    fewer than two versions.
    """
    if len(versions) < 2:
        raise ValueError(f"versions={list(versions)}, but should be at least a good one and a bad one")
    good, bad = 0, len(versions) - 1
    tried: list[str] = []
    skipped: dict[str, str] = {}
    while candidates := [index for index in range(good + 1, bad) if versions[index] not in skipped]:
        index = candidates[_next_try([cheap(versions[index]) for index in candidates])]
        try:
            turned = differs(versions[index])
        except Unavailable as error:
            skipped[versions[index]] = error.reason
            continue
        tried.append(versions[index])
        good, bad = (good, index) if turned else (index, bad)
    return SearchResult(versions[good], versions[bad], tuple(tried), skipped, tuple(versions[good + 1 : bad]))


def _next_try(cheap: Sequence[bool]) -> int:
    """Return which of the k versions between good and bad to try next, given which are cheap.

    The first bad version is one of k + 1: these k, or the one that is known to be bad. A bisection of k + 1 needs
    ⌈log₂(k + 1)⌉ comparisons, and keeps to that as long as each outcome of this one leaves at most half of the power of
    two that k + 1 is rounded up to. Trying number i, from 0, leaves i + 1 where it is bad, and k − i where it is good.
    """
    count = len(cheap)
    half = 1 << (count.bit_length() - 1)
    allowed = [index for index in range(count) if index + 1 <= half and count - index <= half]
    return min(allowed, key=lambda index: (not cheap[index], abs(2 * index + 1 - count), index))
