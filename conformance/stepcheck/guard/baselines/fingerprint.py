"""The fingerprint: the part of a cached recording's name that changes with the code that recorded it.

A recording depends on torch, on its cells and scripts, and on what the recorder observes. The cache names each by torch
and by a digest of all sources that decide the rest, so that a new version of stepcheck never takes an old recording for
its own. Sources of the comparison and of reports are left out: they read recordings and do not change them.
"""

from __future__ import annotations

from functools import cache

from stepcheck.guard.environments.package_sources import digest_of, sources_of

_PACKAGES = ("stepcheck_reference", "stepcheck_implementations", "stepcheck_properties")
"""Packages all of whose sources count."""
_FOLDERS = ("stepcheck/guard/corpus/", "stepcheck/guard/baselines/")
"""Folders of stepcheck itself whose sources count."""


@cache
def fingerprint() -> str:
    """Return a digest of the sources that scripts and recordings come from."""
    sources = dict(sources_of(_PACKAGES))
    return digest_of(sources | {path: data for path, data in sources_of(("stepcheck",)) if path.startswith(_FOLDERS)})
