"""docs/libraries.md has a section for every library beside torch, with every class that has an adapter."""

from __future__ import annotations

import re

import pytest

from house.sources import ROOT
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.adapters.libraries import ALL, Library

PAGE = (ROOT / "docs" / "libraries.md").read_text(encoding="utf-8")
OTHERS = [library for library in ALL if library.name != "torch.optim"]


def section(library: Library) -> str:
    """Return the part of the page that is about ``library``, or nothing."""
    heading = library.name.partition(".")[0]
    match = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


@pytest.mark.parametrize("library", OTHERS, ids=lambda library: library.name)
def test_a_library_has_a_section(library: Library) -> None:
    assert section(library), f"write a section '## {library.name.partition('.')[0]}' into docs/libraries.md"


@pytest.mark.parametrize(
    ("library", "adapter"),
    [pytest.param(library, adapter, id=adapter.target) for library in OTHERS for adapter in library.adapters],
)
def test_a_class_with_an_adapter_is_named_in_its_library_s_section(library: Library, adapter: Adapter) -> None:
    text = section(library)
    name = adapter.target.rpartition(".")[2]
    assert re.search(rf"`{re.escape(name)}[`(]", text), (
        f"name {name} in the section of docs/libraries.md on {library.name}, with its rule"
    )
