"""The fingerprint changes with every source that decides what is recorded, and with no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from stepcheck.guard.baselines import fingerprint as fingerprint_module
from stepcheck.guard.environments.package_sources import sources_of


def fingerprint_with(monkeypatch: pytest.MonkeyPatch, changed: str) -> str:
    """Return the fingerprint if the source ``changed`` had one more line."""
    paths = [path for path, _ in sources_of((changed.partition("/")[0],))]
    assert changed in paths

    def altered(packages: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for path, data in sources_of(packages):
            yield path, data + b"\n" if path == changed else data

    monkeypatch.setattr(fingerprint_module, "sources_of", altered)
    return fingerprint_module.fingerprint.__wrapped__()


@pytest.mark.parametrize(
    "path",
    [
        "stepcheck/guard/corpus/corpus.py",
        "stepcheck/guard/corpus/unruled_scripts.py",
        "stepcheck/guard/baselines/baseline.py",
        "stepcheck_implementations/recorder/recording.py",
        "stepcheck_properties/profile.py",
        "stepcheck_reference/rule.py",
    ],
)
def test_it_changes_with_what_decides_a_recording(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    plain = fingerprint_module.fingerprint()
    assert fingerprint_with(monkeypatch, path) != plain


def test_it_does_not_change_with_a_comparison_or_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fingerprint_module.fingerprint()
    for path in ("stepcheck/guard/comparison/compare.py", "stepcheck/report/guard/check_text.py"):
        assert fingerprint_with(monkeypatch, path) == plain
