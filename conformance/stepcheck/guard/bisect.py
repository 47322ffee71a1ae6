"""``bisect``: the release of torch that changed a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.cache import Recordings
from stepcheck.guard.check_baseline import again
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.patterns import chosen
from stepcheck.guard.corpus.spec import Asked
from stepcheck.guard.environments.environments import Unavailable
from stepcheck.guard.release_search import first_bad
from stepcheck_implementations.recorder.recording import Recording

Say = Callable[[str], None]
_GRAVER = (Change.IDENTICAL, Change.ROUNDING, Change.NEW, Change.CHANGED, Change.GONE)


@dataclass(frozen=True, slots=True)
class Bisected:
    """Where a cell changed: ``good`` is the last release that does what the first did, ``bad`` the first that does not.

    ``tried`` holds how each release that was looked at differs from the first; ``skipped`` why others could not be, and
    ``between`` those of them that may be the one. ``installed`` counts the environments that were made.
    """

    cell: str
    good: str
    bad: str
    tried: Mapping[str, Difference]
    skipped: Mapping[str, str]
    between: tuple[str, ...]
    installed: int


def bisect(cell: str, versions: Sequence[str], recordings: Recordings, *, say: Say = lambda line: None) -> Bisected:
    """Return which of ``versions``, the oldest first, changed ``cell`` from what the first of them does.

    A release that moved it less than the last one did counts as good. Raises WrongRequest where there is no such cell,
    or the first and last release do not differ in it; Unavailable where one of these two cannot be had.
    """
    first, last = versions[0], versions[-1]
    environments = recordings.site.environments()
    there = set(environments.cached())
    asked = _asked(cell, (first, last), recordings, say)
    was = _recording(first, asked, recordings, say)
    anew = again(asked, was)
    tried: dict[str, Difference] = {}

    def look(version: str) -> Difference:
        if version not in tried:
            tried[version] = compare(asked, was, _recording(version, anew, recordings, say))
            say(f"torch {version}: {tried[version].change}")
        return tried[version]

    whole = look(last).change
    if whole is Change.IDENTICAL:
        raise WrongRequest(f"bad={last}, but {asked.id} does there what it does in good={first}")

    def differs(version: str) -> bool:
        return _GRAVER.index(look(version).change) >= _GRAVER.index(whole)

    found = first_bad(versions, differs, lambda version: version in there or recordings.kept(version) is not None)
    installed = len(set(environments.cached()) - there)
    return Bisected(asked.id, found.good, found.bad, tried, found.skipped, found.between, installed)


def _asked(cell: str, versions: Sequence[str], recordings: Recordings, say: Say) -> Asked:
    """Return what is asked of the cell that ``cell`` names in the first of ``versions`` that has it."""
    known: dict[str, Asked] = {}
    for version in versions:
        kept = recordings.kept(version)
        entries = [kept.asked(name) for name in kept.cells] if kept else recordings.asked(version, "", say)
        known = {entry.id: entry for entry in entries} | known
        if cell in known:
            return known[cell]
    names = chosen([cell], known)
    if len(names) > 1:
        raise WrongRequest(f"cell={cell}, but that is {len(names)} cells; name one, as in {names[0]}")
    return known[names[0]]


def _recording(version: str, asked: Asked, recordings: Recordings, say: Say) -> Recording:
    """Return what the cell does under a release: from its whole recording if there is one, or recorded alone."""
    kept = recordings.kept(version)
    if kept is not None and asked.id in kept.cells and kept.asked(asked.id).request == asked.request:
        return kept.recording(asked.id)
    try:
        return recordings.cell(version, asked, say).recording(asked.id)
    except OSError as error:
        raise Unavailable(version, str(error)) from error
