"""The fingerprint: what a recording in the cache depends on beside torch, so that none is taken for another."""

from __future__ import annotations

from functools import cache

from stepcheck.guard.environments.sources import digest_of, sources_of

_MAKERS = ("stepcheck_reference", "stepcheck_implementations", "stepcheck_properties")
"""Packages whose sources decide what is recorded."""
_BESIDE = tuple(f"stepcheck/guard/{name}.py" for name in ("asked", "baseline", "corpus", "unruled_scripts"))


@cache
def fingerprint() -> str:
    """Return a digest of the sources that scripts and recordings come from."""
    makers = dict(sources_of(_MAKERS))
    return digest_of(makers | {path: data for path, data in sources_of(("stepcheck",)) if path in _BESIDE})
