"""Pages of known issues: each issue has one, its program does what the page says, and its token replays the issue."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import warnings
from pathlib import Path

import pytest
import torch

from stepcheck.certification.failures.replay_token import decode
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue, matching, release

ROOT = Path(__file__).resolve().parents[3]
OF_TORCH = [issue for issue in ALL if all(target.startswith("torch.optim.") for target in issue.targets)]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "known-issues").glob("*.md"))}


def pages_of(issue: KnownIssue) -> list[str]:
    """Return the pages that name ``issue`` as what they are about."""
    return [name for name, page in PAGES.items() if f"`{issue.name}`" in page]


@pytest.mark.parametrize("issue", ALL, ids=lambda issue: issue.name)
def test_every_known_issue_has_one_page_that_says_what_since_when_why_and_how_to_see_it(issue: KnownIssue) -> None:
    (name,) = pages_of(issue)
    page = PAGES[name]
    assert page.startswith("# ")
    assert all(f"\n**{part}.** " in page for part in ("What", "Since when", "Cause", "Witness"))
    assert len(page.splitlines()) < 80
    assert not issue.link or issue.link in page


PROGRAM = r"```python\n(.*?)```\n\nIn torch ([\d.]+) it prints\n\n```text\n(.*?)```"
OURS = sorted({name for issue in OF_TORCH for name in pages_of(issue)})


@pytest.mark.parametrize("name", OURS)
def test_a_page_s_program_prints_what_the_page_says_and_exits_with_1(name: str) -> None:
    match = re.search(PROGRAM, PAGES[name], re.DOTALL)
    assert match is not None
    program, version, printed = match.groups()
    if release(torch.__version__) != release(version):
        pytest.skip(f"the page is about torch {version}")
    if "torch.compile" in program and shutil.which("g++") is None:
        pytest.skip("torch.compile needs g++ on the CPU")
    out = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(out):
        warnings.simplefilter("ignore")  # torch.compile's own
        with pytest.raises(SystemExit) as stop:
            exec(compile(program, name, "exec"), {"__name__": "__main__"})
    assert stop.value.code == 1
    assert out.getvalue() == printed


@pytest.mark.parametrize("name", OURS)
def test_a_page_s_token_is_of_a_cell_in_which_its_issue_is_known(name: str) -> None:
    (token,) = set(re.findall(r"replay (sc1-\S+)", PAGES[name]))
    item = decode(token)
    assert any(f"`{issue.name}`" in PAGES[name] for issue in matching(ALL, item.cell, "2.13.0"))
    assert item.cell.id in re.sub(r"\s+", " ", PAGES[name])
