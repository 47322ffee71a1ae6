"""The README's pictures and links into the repository."""

from __future__ import annotations

import re
import struct

import pytest

from house.sources import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", TEXT)
LINKS = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]


def test_there_are_pictures_and_links_to_hold() -> None:
    assert PICTURES
    assert len(LINKS) > len(PICTURES)


@pytest.mark.parametrize("link", LINKS)
def test_what_is_linked_is_there(link: str) -> None:
    assert (ROOT / link).is_file()


@pytest.mark.parametrize(("told", "path"), PICTURES)
def test_a_picture_is_small_and_says_in_words_what_it_shows(told: str, path: str) -> None:
    data = (ROOT / path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert 800 <= width <= 2000
    assert height <= 2400
    assert len(data) < 300_000
    assert len(told.split()) > 10
