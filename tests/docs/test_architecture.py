"""ARCHITECTURE.md and CONTRIBUTING.md name every room, and only files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT

PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
ROOTS = [ROOT, *(ROOT / folder / package for package, folder in PACKAGES.items())]
ROOMS = sorted(
    path
    for package, folder in PACKAGES.items()
    for path in (ROOT / folder / package).iterdir()
    if (path / "__init__.py").is_file()
)


def paths(page: str) -> list[str]:
    """Return the paths on a page, with a placeholder in capitals, such as FAMILY, for any name."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return sorted({path for path in re.findall(r"`([\w./-]+)`", text) if path.endswith((".py", "/", ".md", ".txt"))})


@pytest.mark.parametrize(("page", "path"), [(page, path) for page in PAGES for path in paths(page)])
def test_a_path_on_the_page_exists(page: str, path: str) -> None:
    pattern = re.sub(r"\b[A-Z]{3,}\b", "*", path).rstrip("/")
    assert any(next(root.glob(pattern), None) for root in ROOTS), f"{page} names {path}, which is not there"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.relative_to(ROOT).as_posix())
def test_every_room_is_in_the_architecture(room: Path) -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition(f"`{room.parent.relative_to(ROOT).as_posix()}/`\n")[2].partition("\n\n`")[0]
    assert f"| `{room.name}/` |" in section, f"add a line for {room.name}/ to the rooms of {room.parent.name}"
