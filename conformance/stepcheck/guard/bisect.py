"""``bisect``: the release of torch that changed a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.recording_cache import RecordingCache
from stepcheck.guard.comparison.checkpoint import recheck_spec
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_patterns import select_cells
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.guard.environments.torch_source import Notify
from stepcheck.guard.release_search import first_bad
from stepcheck_implementations.recorder.recording import Recording

_SEVERITY = (Change.IDENTICAL, Change.ROUNDING, Change.NEW, Change.CHANGED, Change.GONE)


@dataclass(frozen=True, slots=True)
class BisectResult:
    """Where a cell changed: ``good`` is the last release that does what the first does, ``bad`` the next.

    ``tried`` holds how each release that was compared differs from the first; ``skipped`` why others could not be, and
    ``between`` those of them that may be the one. ``installed`` counts the environments that were installed.
    """

    cell: str
    good: str
    bad: str
    tried: Mapping[str, Difference]
    skipped: Mapping[str, str]
    between: tuple[str, ...]
    installed: int


def bisect(
    cell: str, versions: Sequence[str], recordings: RecordingCache, *, notify: Notify = lambda line: None
) -> BisectResult:
    """Return which of ``versions``, the oldest first, changed ``cell`` from what it does under the first of them.

    A release whose change is less severe than the last one's counts as good. Raises WrongRequest for an unknown cell,
    and where it does not differ between the first and last release; Unavailable where one of these two is.
    """
    first, last = versions[0], versions[-1]
    environments = recordings.source.environments()
    installed = set(environments.cached())
    spec = _spec(cell, (first, last), recordings, notify)
    old = _recording(first, spec, recordings, notify)
    recheck = recheck_spec(spec, old)
    tried: dict[str, Difference] = {}

    def change(version: str) -> Change:
        if version not in tried:
            tried[version] = compare(spec, old, _recording(version, recheck, recordings, notify))
            notify(f"torch {version}: {tried[version].change}")
        return tried[version].change

    final = change(last)
    if final is Change.IDENTICAL:
        raise WrongRequest(f"bad={last}, but {spec.id} does the same there as in good={first}")
    result = first_bad(
        versions,
        lambda version: _SEVERITY.index(change(version)) >= _SEVERITY.index(final),
        lambda version: version in installed or recordings.cached(version) is not None,
    )
    added = len(set(environments.cached()) - installed)
    return BisectResult(spec.id, result.good, result.bad, tried, result.skipped, result.between, added)


def _spec(cell: str, versions: Sequence[str], recordings: RecordingCache, notify: Notify) -> CellSpec:
    """Return the spec of the cell that ``cell`` names in the first of ``versions`` that has it."""
    by_name: dict[str, CellSpec] = {}
    for version in versions:
        cached = recordings.cached(version)
        specs = [cached.spec(name) for name in cached.cells] if cached else recordings.specs(version, notify)
        by_name = {spec.id: spec for spec in specs} | by_name
        if cell in by_name:
            return by_name[cell]
    names = select_cells([cell], by_name)
    if len(names) > 1:
        raise WrongRequest(f"cell={cell}, but that matches {len(names)} cells; name one, as in {names[0]}")
    return by_name[names[0]]


def _recording(version: str, spec: CellSpec, recordings: RecordingCache, notify: Notify) -> Recording:
    """Return the recording of a cell under a release: from the release's if there is one, else recorded alone."""
    cached = recordings.cached(version)
    if cached is not None and spec.id in cached.cells and cached.spec(spec.id).request == spec.request:
        return cached.recording(spec.id)
    try:
        return recordings.record_cell(version, spec, notify).recording(spec.id)
    except OSError as error:
        raise Unavailable(version, str(error)) from error
