"""The pages of documentation: links that lead somewhere, pictures, commands that exist, and a short README."""

from __future__ import annotations

import re
import shlex
import struct
from pathlib import Path

import click
import pytest

from house.sources import ROOT
from stepcheck.cli.commands import stepcheck

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
README_LINES = 150

LINKS = sorted(
    {
        (page, link)
        for page, text in TEXTS.items()
        for link in re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        if "://" not in link
    }
)
PICTURES = [
    (page, *matches) for page, text in TEXTS.items() for matches in re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
]
COMMANDS = sorted(
    {
        (page, line)
        for page, text in TEXTS.items()
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)
        for line in re.findall(r"python -m stepcheck (.+)", block)
        if "|" not in line
    }
)


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_links_pictures_and_commands_to_check() -> None:
    assert len(LINKS) > 50
    assert PICTURES
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_to_a_file_and_a_heading_of_it(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists(), f"{page} links {link}, but there is no {path}"
    if anchor:
        assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page} links {link}: no heading #{anchor}"


@pytest.mark.parametrize(("page", "text", "path"), PICTURES)
def test_a_picture_is_small_and_described_in_words(page: str, text: str, path: str) -> None:
    data = ((ROOT / page).parent / path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert 800 <= width <= 2000
    assert height <= 2400
    assert len(data) < 300_000
    assert len(text.split()) > 10


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_on_a_page_has_a_verb_and_options_that_exist(page: str, command: str) -> None:
    arguments = shlex.split(re.sub(r"\$\{\{.*?\}\}", "1/4", command), comments=True)
    verb: click.Command = stepcheck
    while isinstance(verb, click.Group):
        assert arguments[0] in verb.commands, f"{page}: `stepcheck {command}`, but there is no {arguments[0]}"
        verb = verb.commands[arguments.pop(0)]
    options = {name for entry in verb.params for name in (*entry.opts, *entry.secondary_opts)} | {"--help"}
    unknown = [word for word in arguments if word.startswith("--") and word.partition("=")[0] not in options]
    assert unknown == [], f"{page}: `stepcheck {command}`, but there is no {', '.join(unknown)}"


def test_the_readme_is_short() -> None:
    lines = len(TEXTS["README.md"].splitlines())
    assert lines <= README_LINES, f"README.md has {lines} lines; details belong in docs/"


@pytest.mark.parametrize("page", [page for page in TEXTS if re.fullmatch(r"docs/[^/]+\.md", page)])
def test_every_page_of_the_docs_is_linked_from_the_readme(page: str) -> None:
    assert f"({page}" in TEXTS["README.md"], f"link {page} in README.md, under 'Documentation'"


def test_a_missing_heading_would_be_seen() -> None:
    assert anchors("# One two\n## In `pytest`, too\n```\n# no\n```\n") == {"one-two", "in-pytest-too"}


def test_every_page_ends_in_one_newline() -> None:
    assert [page for page in PAGES if not Path(page).read_text(encoding="utf-8").endswith("\n")] == []
