"""docs/known-issues.md lists every page of a known issue, with the issues on it and the releases that have them."""

from __future__ import annotations

import re

import pytest

from house.sources import ROOT
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue

FOLDER = ROOT / "docs" / "known-issues"
INDEX = ROOT / "docs" / "known-issues.md"


def issues_on(text: str) -> list[KnownIssue]:
    """Return the known issues that a page names."""
    return [issue for issue in ALL if f"`{issue.name}`" in text]


def numbers(release: str) -> list[int]:
    """Return a release as numbers, which sort as releases do."""
    return [int(part) for part in re.findall(r"\d+", release)]


def since(issues: list[KnownIssue]) -> str:
    """Return the releases that have one of ``issues``, as in "torch 2.3 and later, before 2.14"."""
    ranges = [issue.releases if issue.library else issue.torch for issue in issues]
    names = sorted({issue.library.replace("-", "_") or "torch" for issue in issues})
    first = min((first for first, _ in ranges), key=numbers)
    last = "" if any(not last for _, last in ranges) else max((last for _, last in ranges), key=numbers)
    return ", ".join(names) + (f" {first} and later" if first else "") + (f", before {last}" if last else "")


def row(page: str) -> str:
    """Return the line of the index for a page of the folder."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    issues = issues_on(text)
    return f"| [{title}](known-issues/{page}) | {', '.join(f'`{issue.name}`' for issue in issues)} | {since(issues)} |"


@pytest.mark.parametrize("page", sorted(path.name for path in FOLDER.glob("*.md")))
def test_the_index_has_the_line_of_a_page(page: str) -> None:
    assert row(page) in INDEX.read_text(encoding="utf-8"), f"put into docs/known-issues.md:\n{row(page)}"


def test_ranges_of_releases_are_joined() -> None:
    shrinking = [issue for issue in ALL if issue.name in ("fused-sgd-narrow", "asgd-unchecked-lambd")]
    assert since(shrinking) == "torch 2.4 and later, before 2.15"
    assert since([issue for issue in ALL if issue.library == "timm"]) == "timm"
